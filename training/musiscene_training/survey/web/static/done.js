"use strict";

document.getElementById("remark").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const state = document.getElementById("state");
  try {
    const answer = await fetch(`/s/${form.dataset.code}/done`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: document.getElementById("text").value }),
    });
    state.textContent = answer.ok ? "Sent. Thank you." : "Not sent. Please try again.";
  } catch {
    state.textContent = "Not sent: the server cannot be reached. Please try again.";
  }
});
