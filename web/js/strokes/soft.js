// Soft and tapering brushes: the opacity of every pixel from its distance to the line. The same numbers, in the same
// order, as sdedit_core/pictures/canvas/soft.py computes. Needs no page.

export class SoftTip {
  /** A sheet of width x height px without any paint; `hardness` as in the document. */
  constructor(width, height, hardness) {
    Object.assign(this, { width, height, hardness });
    this.alpha = new Float32Array(width * height);
    this.box = [width, height, 0, 0]; // left, top, right, bottom of what is painted
  }

  /** The line through points [x, y, ...] with a radius at each, all in px; `from` is the first that is new. */
  draw(points, radii, from = 0) {
    const count = radii.length;
    if (count === 1) this.segment(points, radii, 0, 0);
    for (let i = Math.max(1, from); i < count; i++) this.segment(points, radii, i - 1, i);
  }

  segment(points, radii, a, b) {
    const { width, height, hardness, alpha, box } = this;
    const [ax, ay, bx, by] = [points[2 * a], points[2 * a + 1], points[2 * b], points[2 * b + 1]];
    const [ra, rb] = [radii[a], radii[b]];
    const reach = Math.max(ra, rb) + 1;
    const left = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
    const top = Math.max(0, Math.floor(Math.min(ay, by) - reach));
    const right = Math.min(width, Math.ceil(Math.max(ax, bx) + reach));
    const bottom = Math.min(height, Math.ceil(Math.max(ay, by) + reach));
    if (left >= right || top >= bottom) return;
    this.box = [Math.min(box[0], left), Math.min(box[1], top), Math.max(box[2], right), Math.max(box[3], bottom)];
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    for (let row = top; row < bottom; row++) {
      const y = row + 0.5 - ay;
      for (let column = left, i = row * width + left; column < right; column++, i++) {
        if (alpha[i] >= 1) continue;
        const x = column + 0.5 - ax;
        let along = length > 0 ? (x * dx + y * dy) / length : 0;
        along = along < 0 ? 0 : Math.min(along, 1);
        const awayX = x - along * dx;
        const awayY = y - along * dy;
        const squared = awayX * awayX + awayY * awayY;
        if (squared > reach * reach) continue; // most of a slanting segment's box
        const distance = Math.sqrt(squared);
        const radius = ra + (rb - ra) * along;
        const half = Math.max((radius * (1 - hardness)) / 2, 0.5);
        let inside = ((radius * (1 + hardness)) / 2 + half - distance) / (2 * half);
        if (inside <= 0) continue;
        if (inside > 1) inside = 1;
        const value = inside * inside * (3 - 2 * inside) * Math.min(1, 2 * radius);
        if (value > alpha[i]) alpha[i] = value;
      }
    }
  }

  /** What is painted, as pixels of one colour: {left, top, pixels: ImageData}; null when there is nothing. */
  pixels([red, green, blue], opacity, fresh = (w, h) => new ImageData(w, h)) {
    const [left, top, right, bottom] = this.box;
    if (left >= right || top >= bottom) return null;
    const pixels = fresh(right - left, bottom - top);
    const { data } = pixels;
    for (let row = top, k = 0; row < bottom; row++) {
      for (let i = row * this.width + left; i < row * this.width + right; i++, k += 4) {
        data[k] = red;
        data[k + 1] = green;
        data[k + 2] = blue;
        data[k + 3] = Math.round(255 * this.alpha[i] * opacity);
      }
    }
    return { left, top, pixels };
  }
}
