// What lies over the sheet: the examples, or all colours with names. One at a time.

export class Over {
  /** {name: what has an element and open()} */
  constructor(parts) {
    this.parts = parts;
  }

  /** Name of what is open, if anything is. */
  get shown() {
    return Object.keys(this.parts).find((name) => !this.parts[name].element.hidden);
  }

  toggle(name, ...given) {
    const wasShown = this.shown;
    this.close();
    if (wasShown !== name) this.parts[name].open(...given);
  }

  close() {
    for (const { element } of Object.values(this.parts)) element.hidden = true;
  }
}
