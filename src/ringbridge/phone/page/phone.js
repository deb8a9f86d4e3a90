// A telephone: its keys, its line to the bridge, and what is shown of a call.

import { Handset } from "./audio.js";
import { Transcript } from "./transcript.js";

const find = (id) => document.getElementById(id);
const [status, timer, callKey, callLabel, muteKey, muteLabel] = ["status", "timer", "call", "call-label", "mute", "mute-label"].map(find);
const keys = [...document.querySelectorAll("#keypad button")];
const meters = { caller: find("caller-level"), agent: find("agent-level") };
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

const ENDINGS = {
  caller: "You hung up",
  agent: "The agent hung up",
  fault: "The call broke off, with an apology",
};
const LOST = "This telephone is no longer connected. Run ringbridge phone again, or go to its newest page.";
const REFUSED = "This link has been used, or its command has ended. Run ringbridge phone again.";

let state = "connecting"; // then: ready, dialling, talking, lost
let handset = null;
let attempts = 0; // the microphone is asked for and may take long: only the newest attempt counts
let muted = false;
let answeredAt = 0;
let socket;

const elapsed = () => {
  const seconds = state === "talking" ? Math.floor((performance.now() - answeredAt) / 1000) : 0;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};
const transcript = new Transcript(find("lines"), elapsed);

// The line

function connect() {
  const ticket = location.hash.slice(1) || sessionStorage.getItem("ticket") || "";
  history.replaceState(null, "", "/"); // the ticket is good once: it is of no use in the address bar
  socket = new WebSocket(`ws://${location.host}/line`, ["ringbridge.phone", `ticket.${ticket || "none"}`]);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => (typeof data === "string" ? take(JSON.parse(data)) : handset?.play(data));
  socket.onclose = () => {
    putDown();
    show("lost", state === "connecting" ? REFUSED : LOST);
  };
}

const send = (message) => socket.send(JSON.stringify(message));

function take(message) {
  switch (message.type) {
    case "ready":
      sessionStorage.setItem("ticket", message.ticket);
      find("brain").textContent = message.brain;
      show("ready", "Ready to call");
      break;
    case "answered":
      answeredAt = performance.now();
      show("talking", "On the line");
      watch();
      break;
    case "ended":
      putDown();
      show("ready", ENDINGS[message.by]);
      break;
    case "clear":
      handset?.clear();
      break;
    case "agentwords":
      transcript.agent(message.text);
      break;
    case "corrected":
      transcript.corrected(message.heard);
      break;
    case "callerwords":
      transcript.caller(message.text, message.final);
      break;
    case "keys":
      transcript.keys(message.digits);
      break;
    case "waited":
      transcript.waited(message);
      break;
    case "remark":
      transcript.remark(message.text, message.bad);
      break;
  }
}

// The handset

async function call() {
  const attempt = ++attempts;
  show("dialling", "Waiting for the microphone …");
  let opened;
  try {
    opened = await Handset.open((frame) => {
      if (state === "talking" && !muted) socket.send(frame);
    });
  } catch (error) {
    if (attempt === attempts) show("ready", microphoneTrouble(error));
    return;
  }
  if (attempt !== attempts) {
    opened.close();
    return;
  }
  handset = opened;
  handset.muted = muted;
  transcript.begin();
  document.body.classList.add("called");
  show("dialling", "Calling …");
  send({ type: "call" });
}

function microphoneTrouble(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The microphone is blocked. Allow it for this page beside the address, then call again.";
    case "NotFoundError":
      return "There is no microphone. Connect one, then call again.";
    default:
      return `The microphone can't be used: ${error.message || error.name}`;
  }
}

function putDown() {
  attempts += 1;
  handset?.close();
  handset = null;
}

function mute() {
  muted = !muted;
  if (handset) handset.muted = muted;
  muteKey.ariaPressed = String(muted);
  muteLabel.textContent = muted ? "Muted" : "Mute";
}

function press(key) {
  send({ type: "press", digit: key.dataset.digit });
  key.classList.add("pressed");
  setTimeout(() => key.classList.remove("pressed"), 150);
}

// What is shown

function show(next, text) {
  state = next;
  document.body.dataset.state = state;
  status.textContent = text;
  callKey.disabled = state === "connecting" || state === "lost";
  callLabel.textContent = state === "dialling" || state === "talking" ? "Hang up" : "Call";
  for (const key of keys) key.ariaDisabled = String(state !== "talking");
}

function watch() {
  if (state !== "talking" || !handset) {
    for (const meter of Object.values(meters)) meter.style.removeProperty("--level");
    return;
  }
  for (const [who, meter] of Object.entries(meters)) {
    meter.style.setProperty("--level", who === "caller" && muted ? 0 : handset.levels[who]().toFixed(2));
  }
  timer.textContent = elapsed();
  if (stillness.matches) setTimeout(watch, 500);
  else requestAnimationFrame(watch);
}

// Hands

callKey.addEventListener("click", () => {
  if (state === "ready") call();
  else if (handset) send({ type: "hangup" });
  else {
    putDown(); // the microphone is still being asked for
    show("ready", "Ready to call");
  }
});
muteKey.addEventListener("click", mute);

for (const key of keys) {
  key.addEventListener("click", () => state === "talking" && press(key));
}

// The keypad is one stop of the Tab key: arrows move on it, and digits can be typed.
find("keypad").addEventListener("keydown", (event) => {
  const at = keys.indexOf(document.activeElement);
  const typed = keys.find((key) => key.dataset.digit === event.key);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typed) typed.click();
  const next = typed ?? (step && keys[at + step]);
  if (!next) return;
  event.preventDefault();
  for (const key of keys) key.tabIndex = key === next ? 0 : -1;
  next.focus();
});

addEventListener("hashchange", () => location.reload());
show("connecting", "Connecting …");
connect();
