// The browser's tab: its title and icon show the job's status, and whether the page is live.
// Nothing else is visible of a page in the background.

const NOT_LIVE = "not live · "; // before the title

export class Title {
  #page;
  #shown = null; // comparing with it avoids computing styles for nothing
  #isCut = false;

  constructor(page) {
    this.#page = page;
  }

  start() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#shown = null; // the icon has the colours of the page
      this.show();
    });
  }

  // From the end of a connection until the page is verified again.
  cut(isCut) {
    this.#isCut = isCut;
    this.show();
  }

  // The title comes from the server: the browser or an extension may have translated the one on display.
  show() {
    const job = document.querySelector(".job-head");
    const title = (this.#isCut ? NOT_LIVE : "") + (job ?? this.#page).dataset.title;
    if (title === this.#shown) return;
    this.#shown = document.title = title;
    if (job) document.querySelector("link[rel=icon]").href = this.#icon(job.querySelector(".status"));
  }

  #icon(badge) {
    const tone = this.#isCut ? "gray" : getComputedStyle(badge).color;
    const sign = this.#isCut ? "?" : getComputedStyle(badge, "::before").content.replace(/[^◌▶✓✕■]/g, "");
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="8" fill="${tone}"/>
      <text x="8" y="12" font-size="11" text-anchor="middle" fill="white">${sign}</text></svg>`;
    return `data:image/svg+xml,${encodeURIComponent(drawing)}`;
  }
}
