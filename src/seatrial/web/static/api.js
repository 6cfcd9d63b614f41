// Talks to the server: one place for the token, for repeats and for what went wrong.

const TOKEN = "seatrial-review-token";
const TRIES = 4;
const PAUSE_MS = 400;

const base = document.body.dataset.base;

/** What the server said instead of an answer. */
export class Refused extends Error {
  constructor(status, problem) {
    super([problem.detail, problem.hint].filter(Boolean).join(" ") || `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code || "";
  }
}

/** Takes the token out of the address, where the browser's history would keep it. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    keepToken(given);
    history.replaceState(null, "", location.pathname);
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

export function get(path, parameters) {
  return ask(`${path}?${new URLSearchParams(parameters)}`, {});
}

export function post(path, document) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  });
}

// Every order may be given twice, so what was cut off on the way is simply sent again.
async function ask(path, options) {
  const headers = { ...options.headers, Authorization: `Bearer ${sessionStorage.getItem(TOKEN) || ""}` };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`${base}/api/${path}`, {
        ...options, headers, cache: "no-store", credentials: "omit", redirect: "error",
      });
      const answer = await response.json();
      if (response.ok) return answer;
      throw new Refused(response.status, answer);
    } catch (error) {
      const passing = !(error instanceof Refused) || error.status === 503;
      if (!passing || attempt === TRIES) {
        throw error instanceof Refused ? error : new Error("The server cannot be reached. Nothing is lost: try again.");
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}
