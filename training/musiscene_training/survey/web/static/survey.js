"use strict";

// Ratings wait here until the server has them, also across a reload; the last value counts.
class Outbox {
  constructor(code, shown) {
    this.code = code;
    this.shown = shown;
    this.place = `unsaved ${code}`;
    this.waiting = new Map();
    this.sending = null;
    try {
      this.waiting = new Map(JSON.parse(localStorage.getItem(this.place) || "[]"));
    } catch {
      // Private windows have no such place; then only a reload in that moment loses anything.
    }
    if (this.waiting.size) this.send();
  }

  put(rating) {
    this.waiting.set(`${rating.token} ${rating.question}`, rating);
    this.keep();
    return this.send();
  }

  keep() {
    try {
      localStorage.setItem(this.place, JSON.stringify([...this.waiting]));
    } catch {
      // As above.
    }
  }

  // Resolves when nothing waits any more.
  send() {
    this.sending ||= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  async sendAll() {
    let pause = 500;
    let refused = false;
    while (this.waiting.size) {
      const [key, rating] = this.waiting.entries().next().value;
      this.shown("Saving…");
      const status = await post(`/s/${this.code}/rate`, rating);
      // What the server will never take must not keep the rest from it.
      if (status === 200 || status === 404 || status === 422) {
        refused ||= status !== 200;
        if (this.waiting.get(key) === rating) this.waiting.delete(key);
        this.keep();
        pause = 500;
      } else {
        this.shown("Not saved yet: trying again…", true);
        await new Promise((wake) => setTimeout(wake, pause));
        pause = Math.min(pause * 2, 8000);
      }
    }
    if (refused) this.shown("Not saved: this page is no longer known. Please reload it.", true);
    else this.shown("Saved");
  }
}

async function post(address, value) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(value),
      keepalive: true,
    });
    return answer.status;
  } catch {
    return 0;
  }
}

const versions = document.getElementById("versions");
const code = versions.dataset.code;
const state = document.getElementById("state");
const next = document.getElementById("next");
const cards = [...versions.querySelectorAll(".version")];
const questions = [...versions.querySelectorAll(".question")];

const outbox = new Outbox(code, (text, bad) => {
  state.textContent = text;
  state.classList.toggle("bad", Boolean(bad));
});

function unrated() {
  return questions.filter((question) => !question.classList.contains("rated"));
}

function showReady() {
  next.classList.toggle("waiting", unrated().length > 0);
}

function rate(question, value) {
  question.classList.add("rated");
  question.classList.remove("missing");
  const output = question.querySelector("output");
  if (output) output.textContent = value;
  showReady();
  outbox.put({
    token: question.closest(".version").dataset.token,
    question: question.dataset.question,
    value: Number(value),
  });
}

for (const question of questions) {
  for (const input of question.querySelectorAll("input")) {
    input.addEventListener("input", () => rate(question, input.value));
    if (input.type === "range") {
      // Where the slider stands already is a rating too, once somebody means it.
      const meant = () => question.classList.contains("rated") || rate(question, input.value);
      input.addEventListener("pointerup", meant);
      input.addEventListener("keydown", (event) => {
        if (event.key === " ") {
          event.preventDefault();
          meant();
        }
      });
    }
  }
}

// What waited across a reload is newer than what the server has shown.
for (const rating of outbox.waiting.values()) {
  const card = cards.find((one) => one.dataset.token === rating.token);
  const question = card?.querySelector(`[data-question="${rating.question}"]`);
  if (!question) continue;
  question.classList.add("rated");
  const range = question.querySelector("input[type=range]");
  if (range) {
    range.value = rating.value;
    question.querySelector("output").textContent = rating.value;
  } else {
    question.querySelector(`input[value="${rating.value}"]`).checked = true;
  }
}

const players = cards.map((card) => card.querySelector("video, audio"));

function alone(player) {
  players.forEach((other) => other !== player && other.pause());
}

cards.forEach((card, place) => {
  const player = players[place];
  let heard = 0;
  let last = null;
  const tell = () => {
    if (heard < 0.05) return;
    post(`/s/${code}/heard`, { token: card.dataset.token, seconds: heard });
    heard = 0;
  };
  player.addEventListener("play", () => {
    // The event comes after the fact: another may have been asked for meanwhile.
    if (player.paused) return;
    alone(player);
    last = player.currentTime;
  });
  player.addEventListener("seeking", () => (last = null));
  player.addEventListener("timeupdate", () => {
    // A jump is not listening.
    if (last !== null && player.currentTime > last) heard += Math.min(player.currentTime - last, 1);
    last = player.currentTime;
    if (heard > 5) tell();
  });
  player.addEventListener("pause", tell);
  player.addEventListener("error", () => (card.querySelector(".trouble").hidden = false));
  // It may have failed before this script ran.
  if (player.error) card.querySelector(".trouble").hidden = false;
  window.addEventListener("pagehide", tell);
});

async function leave(event) {
  event.preventDefault();
  const where = event.currentTarget.href;
  if (outbox.waiting.size) await outbox.send();
  location.assign(where);
}

next.addEventListener("click", (event) => {
  const missing = unrated();
  if (!missing.length) return leave(event);
  event.preventDefault();
  missing.forEach((question) => question.classList.add("missing"));
  state.textContent = `Please rate every version: ${missing.length} to go.`;
  state.classList.add("bad");
  missing[0].scrollIntoView({ block: "center", behavior: "smooth" });
  missing[0].querySelector("input").focus({ preventScroll: true });
});
document.getElementById("back")?.addEventListener("click", leave);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === "Enter" && event.target.matches("body, input")) {
    event.preventDefault();
    next.click();
    return;
  }
  const place = "abcdefghijklmnopqrstuvwxyz".indexOf(event.key.toLowerCase());
  const player = event.key.length === 1 && place >= 0 ? players[place] : null;
  if (!player) return;
  event.preventDefault();
  if (player.paused) {
    cards[place].scrollIntoView({ block: "nearest" });
    alone(player);
    player.play().catch(() => (cards[place].querySelector(".trouble").hidden = false));
  } else {
    player.pause();
  }
});

showReady();
