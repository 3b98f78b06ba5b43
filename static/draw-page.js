/**
 * The proof of a draw: the entry of draw.html. It fetches what was published and works everything
 * else out by itself, with `draw.js`; of the server's conclusions it believes none.
 */
import { commitment_of, hex_of, number_of, seed_of, way_of } from "./draw.js";
import { by_id, make } from "./elements.js";
import { browser_ticket, get_room, get_show, NotHad, pages_of } from "./house.js";
import { claims_of, Doubt, findings_of } from "./published.js";
import { counted, date_words, short_date_words } from "./sentences.js";

/** @typedef {import("./draw.js").Drawn} Drawn */
/** @typedef {import("./house.js").RoomFacts} RoomFacts */

const $ = {
  back: by_id("back", HTMLAnchorElement),
  when: by_id("when", HTMLElement),
  lead: by_id("lead", HTMLElement),
  ask: by_id("ask", HTMLElement),
  form: by_id("form", HTMLFormElement),
  arrival: by_id("arrival", HTMLInputElement),
  result: by_id("result", HTMLElement),
  rounds: by_id("rounds", HTMLDetailsElement),
  way: by_id("way", HTMLOListElement),
  check: by_id("check", HTMLElement),
  proofs: by_id("proofs", HTMLOListElement),
  published: by_id("published", HTMLElement),
  log: by_id("log", HTMLInputElement),
  doubt: by_id("doubt", HTMLElement),
  why: by_id("why", HTMLElement),
  findings: by_id("findings", HTMLOListElement),
};

/** One step of the proof. @param {string} words @param {string} value @param {boolean} [holds] what
 *  came of comparing it, where it was compared */
function step(words, value, holds) {
  const outcome = holds === undefined ? "none" : holds ? "holds" : "fails";
  const item = make("li", { "data-outcome": outcome }, make("p", {}, words), make("code", {}, value));
  if (holds !== undefined)
    item.append(make("p", { class: "outcome" }, holds ? "✓ They are the same." : "✗ They are not the same."));
  return item;
}

/** @param {RoomFacts} facts @param {string} commitment */
function draw_before(facts, commitment) {
  const at = facts.doors_at ? date_words(facts.doors_at) : "the opening";
  $.lead.textContent = `The draw has not been made yet: the doors open on ${at}. So far ${counted("person", facts.arrivals).replace("persons", "people")} came.`;
  $.check.hidden = false;
  $.proofs.replaceChildren(
    step("The fingerprint of the secret. Note it down now, and compare it after the draw.", commitment),
  );
}

/** @param {import("./published.js").Drawn} drawn @param {string} commitment */
function draw_proof(drawn, commitment) {
  const { secret, head, count } = drawn;
  const [own, seed] = [commitment_of(secret) ?? "not a secret", seed_of(drawn)];
  const holds = own === commitment && seed !== null;
  $.lead.dataset.outcome = holds ? "holds" : "fails";
  $.lead.textContent = holds
    ? `The draw is true: the secret is the one that was promised, and all ${count.toLocaleString("en")} numbers follow from it.`
    : "The draw does not hold: the secret is not the one that was promised.";
  $.check.hidden = false;
  $.proofs.replaceChildren(
    step("Published when the show was made: the fingerprint of the secret.", commitment),
    step("Published when the doors opened: the secret.", secret),
    step("Worked out here: the secret's fingerprint (SHA-256).", own, own === commitment),
    step(
      `The head of the log when the doors opened (entry ${head.seq}), which nobody knew before.`,
      head.chain,
    ),
    step(
      "Worked out here: the seed of the draw, SHA-256 over the secret and the head.",
      seed ? hex_of(seed) : "not to be had",
    ),
  );
}

/** Works one arrival out, and shows it. @param {Drawn} drawn @param {number} arrival @param {number} [own]
 *  the number this browser has, if it is the owner */
function draw_number(drawn, arrival, own) {
  const [number, way] = [number_of(drawn, arrival), way_of(drawn, arrival)];
  $.rounds.hidden = way === null;
  if (!Number.isInteger(arrival) || arrival < 1) {
    $.result.textContent = `A whole number from 1 to ${drawn.count.toLocaleString("en")}.`;
    return;
  }
  if (number === null || !way) {
    $.result.textContent = `Nobody came as number ${arrival.toLocaleString("en")}: ${drawn.count.toLocaleString("en")} came before the doors opened. Who came later has a number by the order of coming.`;
    return;
  }
  const yours = own === number ? " That is the number you have." : "";
  $.result.textContent = `Who came as number ${arrival.toLocaleString("en")} was drawn number ${number.toLocaleString("en")}.${yours}`;
  $.way.replaceChildren(
    ...way.map((place, round) => {
      const words =
        round === 0
          ? "begins at"
          : place === way[round - 1]
            ? `round ${round} stays at`
            : `round ${round} moves to`;
      return make("li", {}, make("span", {}, words), make("b", {}, (place + 1).toLocaleString("en")));
    }),
  );
}

/** @param {string} id @param {Drawn} drawn */
function offer_to_work_out(id, drawn) {
  const kept = browser_ticket(id).load();
  const own = kept && kept.state !== "early" ? kept.place : undefined;
  const asked = Number(new URL(location.href).searchParams.get("arrival") ?? kept?.arrival ?? "");
  $.ask.hidden = false;
  $.arrival.max = String(drawn.count);
  $.form.noValidate = true; // what is too large is answered in words
  $.form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw_number(drawn, Number($.arrival.value), own);
  });
  if (!(asked >= 1)) return;
  $.arrival.value = String(asked);
  draw_number(drawn, asked, own);
}

/** @param {string} id @param {import("./published.js").Drawn} drawn */
function offer_to_read_the_log(id, drawn) {
  $.published.hidden = false;
  $.log.addEventListener("change", async () => {
    const file = $.log.files?.[0];
    $.findings.replaceChildren();
    if (!file) return;
    try {
      const ticket = browser_ticket(id).load()?.ticket;
      const findings = findings_of(await file.text(), id, drawn, ticket ? claims_of(ticket) : null);
      const all = findings.every(({ holds }) => holds !== false);
      $.doubt.textContent = all ? "This log bears the draw out." : "This log does not bear the draw out.";
      $.findings.replaceChildren(...findings.map(({ words, holds }) => finding(words, holds)));
    } catch (fault) {
      if (!(fault instanceof Doubt)) throw fault;
      $.doubt.textContent = `This log cannot be true. ${fault.message}`;
    }
  });
}

/** @param {string} words @param {boolean} [holds] */
function finding(words, holds) {
  const item = make("li", { "data-outcome": holds === false ? "fails" : "holds" }, make("p", {}, words));
  if (holds !== undefined)
    item.append(make("p", { class: "outcome" }, holds ? "✓ So it is." : "✗ It is not so."));
  return item;
}

async function start() {
  const id = new URL(location.href).searchParams.get("show") ?? "";
  try {
    const [show, facts] = await Promise.all([get_show(id), get_room(id)]);
    const commitment = facts?.commitment ?? show.policy.admission?.commitment;
    document.title = `The draw · ${show.title} · Usher`;
    $.when.textContent = [show.title, short_date_words(show.starts_at)].join(" · ");
    $.back.href = facts ? pages_of(id).waiting_room : pages_of(id).picker;
    $.why.hidden = !facts || !commitment;
    if (!facts || !commitment) {
      $.lead.textContent = "In this show nothing is drawn: who comes first is served first.";
    } else if (facts.drawn) {
      draw_proof(facts.drawn, commitment);
      offer_to_work_out(id, facts.drawn);
      offer_to_read_the_log(id, facts.drawn);
    } else draw_before(facts, commitment);
  } catch (error) {
    if (!(error instanceof NotHad)) throw error;
    $.lead.textContent = error.message;
  }
}

await start();
