"use strict";
(function () {
  var player = document.getElementById("player");
  var mix = player.querySelector("audio[data-mix]");
  var rows = Array.from(player.querySelectorAll(".track:not(.mix)"));
  var stems = rows.map(function (row) { return row.querySelector("audio"); });
  var every = [mix].concat(stems);
  var play = document.getElementById("play");
  var seek = document.getElementById("seek");
  var clock = document.getElementById("clock");
  var heard = document.getElementById("heard");
  var chart = document.getElementById("chart");
  var playhead = document.getElementById("playhead");
  var said = heard.textContent;
  var DRIFT_S = 0.04;

  function pressed(row, name) {
    return row.querySelector("[data-" + name + "]").getAttribute("aria-pressed") === "true";
  }

  function route() {
    var solo = rows.some(function (row) { return pressed(row, "solo"); });
    var apart = solo || rows.some(function (row) { return pressed(row, "mute"); });
    mix.muted = apart;
    rows.forEach(function (row, index) {
      var on = solo ? pressed(row, "solo") : !pressed(row, "mute");
      stems[index].muted = !(apart && on);
      row.classList.toggle("silent", apart && !on);
    });
    heard.textContent = apart ? "The stems play." : said;
    // Players started together run apart by some hundredths of a second.
    if (!mix.paused) { goTo(mix.currentTime); }
  }

  function goTo(seconds) {
    every.forEach(function (audio) { audio.currentTime = seconds; });
    show();
  }

  function show() {
    var at = mix.currentTime, length = mix.duration || 0;
    clock.textContent = Math.floor(at / 60) + ":" + (at % 60 < 10 ? "0" : "") + (at % 60).toFixed(1);
    if (!length) { return; }
    seek.value = String(1000 * at / length);
    if (chart) {
      var left = Number(chart.dataset.left), right = Number(chart.dataset.right);
      playhead.style.display = "block";
      playhead.style.left = 100 * (left + (right - left) * at / length) + "%";
    }
  }

  function follow() {
    stems.forEach(function (audio) {
      if (Math.abs(audio.currentTime - mix.currentTime) > DRIFT_S) {
        audio.currentTime = mix.currentTime;
      }
    });
    show();
    if (!mix.paused) { window.requestAnimationFrame(follow); }
  }

  play.addEventListener("click", function () {
    if (mix.paused) {
      goTo(mix.ended ? 0 : mix.currentTime);
      every.forEach(function (audio) { audio.play(); });
    } else {
      every.forEach(function (audio) { audio.pause(); });
    }
  });
  mix.addEventListener("play", function () { play.textContent = "Pause"; follow(); });
  mix.addEventListener("pause", function () { play.textContent = "Play"; });
  mix.addEventListener("ended", function () { every.forEach(function (a) { a.pause(); }); });
  mix.addEventListener("loadedmetadata", show);
  seek.addEventListener("input", function () {
    if (mix.duration) { goTo(Number(seek.value) / 1000 * mix.duration); }
  });
  rows.forEach(function (row) {
    row.querySelectorAll("button").forEach(function (button) {
      button.addEventListener("click", function () {
        button.setAttribute("aria-pressed",
          button.getAttribute("aria-pressed") === "true" ? "false" : "true");
        route();
      });
    });
  });
  if (chart) {
    chart.addEventListener("click", function (event) {
      var box = chart.getBoundingClientRect();
      var left = Number(chart.dataset.left), right = Number(chart.dataset.right);
      var share = ((event.clientX - box.left) / box.width - left) / (right - left);
      if (mix.duration) { goTo(Math.min(1, Math.max(0, share)) * mix.duration); }
    });
  }
  route();
})();
