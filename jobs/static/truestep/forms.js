// Sends the forms that ask for something. The response does not show the outcome; frames of the socket do.

const NO_RESPONSE = "No response. Check the history to see whether it went through.";
const LOGGED_OUT = 4401;

export class Forms {
  #status;

  constructor(status) {
    this.#status = status;
  }

  start() {
    document.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("click", (event) => {
      // The second click of a double click is no request, however soon the first one was answered.
      if (event.detail > 1 && event.target.closest("button")?.form?.matches("[data-send]")) event.preventDefault();
    });
  }

  async #submitted(event) {
    const form = event.target;
    if (form.dataset.send === undefined) return;
    event.preventDefault();
    this.#status.sayNothing(); // what it says is about the request before
    const button = event.submitter;
    const body = new FormData(form, button);
    const written = textOf(form);
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
      const problem = this.#sayProblem(answer, shown);
      if (!problem && textOf(form) === written) form.reset(); // otherwise the next request is being written
      renew(form, shown);
    } catch {
      this.#status.say(NO_RESPONSE);
    }
    button.disabled = false;
  }

  // Whether there is one: the server's reason, a failed request, or a notice for this person.
  #sayProblem(answer, shown) {
    const reason = shown.querySelector("[data-said]");
    const notice = shown.querySelector(".notice:not(#held)"); // #held is about the database
    if (reason) this.#status.say(reason.textContent.trim().replace(/\s+/g, " "));
    else if (answer.status >= 500) this.#status.say(NO_RESPONSE); // a gateway's word; the server may have done it
    else if (!answer.ok) this.#status.say(`The request was refused (${answer.status}). Reload the page.`);
    else if (new URL(answer.url).pathname !== location.pathname) this.#status.sayEnded(LOGGED_OUT);
    else if (notice) this.#status.say(notice.textContent);
    else return false;
    return true;
  }
}

const textOf = (form) => JSON.stringify([...new FormData(form)]);

// The next request is a new intent: it gets the keys of the same form in the response. Without a response the
// old ones stay, so that a request which arrived is not carried out again.
function renew(form, shown) {
  const fresh = [...shown.forms].find((other) => other.action === form.action);
  for (const input of form.querySelectorAll("input[type=hidden]")) {
    input.value = fresh?.elements[input.name]?.value ?? input.value;
  }
}
