// What was said, and how long the caller waited for each answer.

const PARTS = {
  hearing: "until the engine had understood you, and took you for done",
  asking: "until your brain was asked",
  model: "until its first word",
  wording: "until what can be spoken had gone to the engine",
  voice: "until its first sound",
  relaying: "until that was on its way to you",
  line: "until you heard it",
};

function element(name, classes, ...children) {
  const made = document.createElement(name);
  made.className = classes;
  made.append(...children);
  return made;
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

export class Transcript {
  #log;
  #now;
  #agent = null; // the agent's running words
  #draft = null; // the caller's words so far: read out only when they are final
  #wait = null; // the place of the next wait

  /** `log` is the element that holds the lines; `now` tells how long the call has lasted, as it is shown. */
  constructor(log, now) {
    this.#log = log;
    this.#now = now;
  }

  begin() {
    this.#log.replaceChildren();
    this.#agent = this.#draft = this.#wait = null;
  }

  agent(text) {
    this.#drop();
    if (this.#agent) this.#follow(() => this.#agent.append(` ${text}`));
    else this.#agent = this.#line("agent", "Agent", text);
  }

  /** The caller heard no more than this of the agent's words. */
  corrected(heard) {
    if (!this.#agent) return;
    const text = this.#agent.textContent;
    const end = heard ? text.lastIndexOf(heard) + heard.length : 0;
    const rest = text.slice(end);
    if (heard && !text.includes(heard)) this.#agent.textContent = heard;
    else if (rest) this.#agent.replaceChildren(text.slice(0, end), element("s", "", rest));
    this.#agent.append(element("span", "cut", " (you cut in)"));
    this.#agent = null;
  }

  caller(text, final) {
    const since = this.#draft?.querySelector("time").textContent;
    this.#drop();
    this.#agent = null;
    if (final) {
      this.#line("caller", "You", text, since);
      this.#expect();
    } else {
      this.#draft = this.#line("caller draft", "You", `${text} …`, since).parentElement;
      this.#draft.ariaHidden = "true";
    }
  }

  keys(digits) {
    this.#agent = null;
    this.#line("caller keys", "You pressed", digits || "no key");
    this.#expect();
  }

  remark(text, bad) {
    this.#append(element("li", bad ? "remark bad" : "remark", text));
  }

  waited({ total, parts, by }) {
    const known = Object.entries(parts).filter(([, ms]) => ms !== null);
    const bar = element("span", "bar");
    bar.ariaHidden = "true";
    const list = element("dl", "");
    for (const [name, ms] of known) {
      const piece = element("span", `part-${name}`);
      piece.style.flexGrow = ms;
      bar.append(piece);
      const what = element("dt", `part-${name}`, name);
      what.append(element("span", "", PARTS[name]));
      list.append(what, element("dd", "", milliseconds(ms)));
    }
    const after = by === "filler" ? "to the first words, a filler" : "to the answer";
    const summary = element("summary", "", element("b", "", seconds(total)), ` ${after}`, bar);
    const row = element("li", "wait", element("details", "", summary, list));
    this.#follow(() => (this.#wait ? this.#wait.replaceWith(row) : this.#log.append(row)));
    this.#wait = null;
  }

  #line(kind, who, text, since = this.#now()) {
    const words = element("p", "", text);
    this.#append(element("li", `line ${kind}`, element("span", "who", who, element("time", "", since)), words));
    return words;
  }

  #expect() {
    this.#wait?.remove();
    this.#wait = element("li", "");
    this.#wait.hidden = true;
    this.#append(this.#wait);
  }

  #append(row) {
    this.#follow(() => this.#log.append(row));
  }

  /** Whoever looks at the end goes on doing so. */
  #follow(change) {
    const scroller = this.#log.parentElement;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    change();
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #drop() {
    this.#draft?.remove();
    this.#draft = null;
  }
}
