// Where this page is in the job's journal: the seq and tag of the newest entry it shows.

export class Position {
  constructor({ seq, tag }) {
    this.moveTo({ seq: Number(seq), tag });
  }

  get value() {
    return { seq: this.seq, tag: this.tag };
  }

  moveTo({ seq, tag }) {
    this.seq = seq;
    this.tag = tag;
  }

  is({ seq, tag }) {
    return this.seq === seq && this.tag === tag;
  }
}
