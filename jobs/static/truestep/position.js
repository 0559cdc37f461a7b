// Where this page is. A job's page: the seq and tag of the newest journal entry that it shows. A page
// with a list of jobs: the mark of what it shows.

export class Position {
  constructor(dataset) {
    this.moveToPage(dataset);
  }

  get value() {
    return this.mark === undefined ? { seq: this.seq, tag: this.tag } : { mark: this.mark };
  }

  moveTo({ seq, tag, mark }) {
    this.seq = seq;
    this.tag = tag;
    this.mark = mark;
  }

  // Move to the position of a page that the server has rendered.
  moveToPage({ seq, tag, mark }) {
    this.moveTo(mark === undefined ? { seq: Number(seq), tag } : { mark });
  }

  is({ seq, tag, mark }) {
    return this.seq === seq && this.tag === tag && this.mark === mark;
  }
}
