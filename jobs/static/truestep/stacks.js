// Asks for the stack of a running step, and shows it when the step's worker has answered.

const LOOK = 250; // milliseconds between two looks for the answer
const PATIENCE = 10_000; // … until the page says that there is none
const NO_RESPONSE = "No response.";

export class Stacks {
  #asking = new Set(); // addresses

  start() {
    document.addEventListener("submit", (event) => {
      if (event.target.dataset.ask === undefined) return;
      event.preventDefault();
      this.#ask(event.submitter, new FormData(event.target));
    });
  }

  async #ask(button, body) {
    const address = button.formAction;
    if (this.#asking.has(address)) return;
    this.#asking.add(address);
    const { id } = button.closest(".step").querySelector(".stack");
    try {
      let shown = await fetched(address, { method: "POST", body });
      for (const until = performance.now() + PATIENCE; performance.now() < until && isAwaited(shown); ) {
        await new Promise((wake) => setTimeout(wake, LOOK));
        shown = await fetched(address);
      }
      document.getElementById(id)?.replaceChildren(shown);
    } catch {
      document.getElementById(id)?.replaceChildren(NO_RESPONSE);
    } finally {
      this.#asking.delete(address);
    }
  }
}

const isAwaited = (shown) => shown.dataset.awaited !== undefined;

async function fetched(address, how) {
  const answer = await fetch(address, how);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return document.adoptNode(page.querySelector(".stack-answer"));
}
