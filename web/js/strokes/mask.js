// The mask of what is painted, as sdedit_core/pictures/canvas/paint.py makes it. Needs no page.

const OCTAGON = Math.SQRT2 - 1;

/** Opacities (one byte a pixel) widened by `reach` px, to an octagon around every point. */
export function grown(alpha, width, height, reach) {
  let now = alpha;
  for (let step = 0; step < reach; step++) {
    // squares and crosses by turns, in the share that makes the octagon a regular one
    const square = Math.floor((step + 1) * OCTAGON) > Math.floor(step * OCTAGON);
    const rows = widest(now, width, height, true);
    const columns = widest(square ? rows : now, width, height, false);
    now = square ? columns : rows.map((v, i) => Math.max(v, columns[i]));
  }
  return now;
}

/** The largest of each pixel and its two neighbours, in its row or in its column. */
function widest(values, width, height, inRows) {
  const out = new Uint8Array(values.length);
  const step = inRows ? 1 : width;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const [place, last] = inRows ? [x, width - 1] : [y, height - 1];
      let most = values[i];
      if (place > 0 && values[i - step] > most) most = values[i - step];
      if (place < last && values[i + step] > most) most = values[i + step];
      out[i] = most;
    }
  return out;
}
