// Pointers on the sheet. One paints; two fingers move and zoom the view and never leave a stroke; a palm beside a pen
// does nothing.

const PALM = 700; // milliseconds after a pen in which touches are taken for the palm

export class Hand {
  /**
   * `on` hears begin(event), which may refuse with false, go(event), end(event), drop(), hover(event) and
   * pinch(x, y, factor, moveX, moveY); pans(event) says whether to move the view instead of painting.
   */
  constructor(element, on) {
    this.on = on;
    this.element = element;
    this.touches = new Map(); // pointer -> [x, y]
    this.mode = null; // "stroke", "pan", "pinch", or "spent" until all are lifted
    this.penAt = -PALM;
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.lift(event, true));
    element.addEventListener("pointercancel", (event) => this.lift(event, false));
  }

  /** Give up what is being done, until all pointers are lifted. */
  stop() {
    if (this.mode === "stroke") this.on.drop();
    if (this.mode) this.mode = "spent";
  }

  press(event) {
    const { pointerType, pointerId } = event;
    if (pointerType === "pen") {
      this.penAt = event.timeStamp;
      this.touches.clear();
      if (this.type === "touch") this.stop();
      if (this.mode === "spent" || this.mode === "pinch") this.mode = null;
    } else if (pointerType === "touch") {
      if (event.timeStamp - this.penAt < PALM || (this.mode === "stroke" && this.type === "pen")) return;
      this.touches.set(pointerId, [event.clientX, event.clientY]);
      if (this.touches.size > 1) {
        this.stop();
        this.mode = "pinch";
        this.capture(pointerId);
        return;
      }
    }
    if (this.mode) return;
    if (this.on.pans(event)) this.mode = "pan";
    else if (event.button === 0 && this.on.begin(event) !== false) this.mode = "stroke";
    else return;
    [this.pointer, this.type, this.last] = [pointerId, pointerType, [event.clientX, event.clientY]];
    this.capture(pointerId);
  }

  move(event) {
    this.on.hover(event);
    if (event.pointerType === "pen") this.penAt = event.timeStamp;
    const here = [event.clientX, event.clientY];
    const isTouch = this.touches.has(event.pointerId);
    const before = this.mode === "pinch" && isTouch ? spread(this.touches) : null;
    if (isTouch) this.touches.set(event.pointerId, here);
    if (before) {
      const now = spread(this.touches);
      this.on.pinch(now.x, now.y, before.size ? now.size / before.size : 1, now.x - before.x, now.y - before.y);
    } else if (event.pointerId === this.pointer && this.mode === "stroke") {
      this.on.go(event);
    } else if (event.pointerId === this.pointer && this.mode === "pan") {
      this.on.pinch(...here, 1, here[0] - this.last[0], here[1] - this.last[1]);
      this.last = here;
    }
  }

  lift(event, done) {
    this.touches.delete(event.pointerId);
    const own = event.pointerId === this.pointer;
    if (own && this.mode === "stroke") {
      if (done) this.on.end(event);
      else this.on.drop();
    }
    if (this.mode === "pinch" || this.mode === "spent") this.mode = this.touches.size ? "spent" : null;
    else if (own) this.mode = null;
  }

  capture(pointerId) {
    try {
      this.element.setPointerCapture(pointerId);
    } catch {
      // a pointer that is gone already
    }
  }
}

/** Middle of the first two touches, and how far they are apart. */
function spread(touches) {
  const [[ax, ay], [bx, by]] = [...touches.values()];
  return { x: (ax + bx) / 2, y: (ay + by) / 2, size: Math.hypot(ax - bx, ay - by) };
}
