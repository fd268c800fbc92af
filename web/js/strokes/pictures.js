// Pictures from elsewhere: loaded from an address, dropped on the canvas, or pasted.

import { say } from "./words.js";

export function listenForPictures(canvas) {
  const { element } = canvas;
  for (const type of ["dragenter", "dragover"]) element.addEventListener(type, (event) => welcome(canvas, event));
  element.addEventListener("drop", (event) => take(canvas, event, event.dataTransfer));
  element.addEventListener("paste", (event) => take(canvas, event, event.clipboardData));
}

/** An image, or null for no address or one that cannot be loaded. */
export function load(url, then) {
  if (!url) return then(null);
  const image = new Image();
  image.onload = () => then(image);
  image.onerror = () => then(null);
  image.src = url;
}

function welcome(canvas, event) {
  const kinds = [...event.dataTransfer.types];
  if (!canvas.takePicture || !kinds.some((kind) => kind === "Files" || kind === "text/uri-list")) return;
  event.preventDefault();
  event.stopPropagation();
  event.dataTransfer.dropEffect = "copy";
}

async function take(canvas, event, data) {
  const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
  const address = file ? null : ownAddress(data?.getData("text/uri-list") ?? "");
  if (!canvas.takePicture || !(file || address)) return;
  event.preventDefault();
  event.stopPropagation();
  try {
    await canvas.takePicture(file ?? (await fetched(address)));
  } catch (problem) {
    canvas.sheet.say(say("noUpload", problem.message), false);
  }
}

/** The first address of a list, if it is one of this server; or null. */
function ownAddress(list) {
  const [first] = list.split("\n");
  if (!URL.canParse(first.trim(), location.href) || !first.trim()) return null;
  const url = new URL(first.trim(), location.href);
  return url.origin === location.origin ? url.href : null;
}

async function fetched(address) {
  const blob = await (await fetch(address)).blob();
  if (!blob.type.startsWith("image/")) throw new Error(blob.type);
  return new File([blob], `dropped.${blob.type.split("/")[1].split("+")[0]}`, { type: blob.type });
}
