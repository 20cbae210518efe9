// What may be chosen under each profile: shows the fields that it offers, says its limits as one types, reads and
// fills them in.

const data = JSON.parse(document.getElementById("launch-data").textContent);
const form = document.getElementById("launch-form");
const more = document.getElementById("more");
const boxes = [...form.querySelectorAll("[data-choice]")];

const NUMBERS = { minutes: "minutes", nodes: "nodes", cpus: "CPUs", memory_mb: "GiB of memory", gpus: "GPUs" };
// What is shown is so many times less than what is sent.
const SCALE = { memory_mb: 1024 };

const shown = (field, value) => value / (SCALE[field] ?? 1);
const sent = (field, text) => (field in NUMBERS ? Math.round(Number(text) * (SCALE[field] ?? 1)) : text);

function chosenProfile() {
  return form.querySelector("input[name=profile]:checked")?.value;
}

function offerOf(profile, field) {
  if (field !== "account") return profile.offers.find((offer) => offer.field === field);
  const values = data.accounts.filter((name) => !profile.accounts.length || profile.accounts.includes(name));
  if (values.length < 2) return undefined;
  const { account } = profile.usual;
  const whose = account && account !== data.default_account ? "this profile's default" : "Slurm's default";
  const usual = account ? `${account}, ${whose}` : whose;
  return { default: usual, values: [usual, ...values] };
}

// The fields that count: those in sight that hold something.
export function choices() {
  const filled = boxes.filter((box) => !box.hidden && form[box.dataset.choice].value);
  const values = filled.map(({ dataset: { choice } }) => [choice, sent(choice, form[choice].value)]);
  return { profile: chosenProfile(), ...Object.fromEntries(values) };
}

export function areValid() {
  return boxes.every((box) => box.hidden || form[box.dataset.choice].checkValidity());
}

// Another profile was chosen by hand: what this one does not offer is dropped.
export function changeProfile() {
  const profile = data.profiles[chosenProfile()];
  for (const { dataset: { choice } } of boxes) {
    const offer = offerOf(profile, choice);
    if (!offer || (offer.values.length && !offer.values.includes(form[choice].value))) form[choice].value = "";
  }
  adapt();
}

// What a link asks for or a preset holds stays in sight where this profile does not offer it, and is complained about.
export function fill({ profile, ...values }) {
  const radio = [...form.querySelectorAll("input[name=profile]")].find((one) => one.value === profile);
  if (radio) radio.checked = true;
  const offered = data.profiles[chosenProfile()];
  if (!offered) return false;
  for (const { dataset: { choice } } of boxes) {
    const input = form[choice];
    const value = values[choice] ?? "";
    if (choice in NUMBERS) input.value = value === "" ? "" : shown(choice, value);
    else list(input, offerOf(offered, choice), String(value));
  }
  adapt();
  more.open = more.open || [...more.querySelectorAll("[data-choice]")].some((box) => form[box.dataset.choice].value);
  return !profile || Boolean(radio);
}

export function adapt() {
  const profile = data.profiles[chosenProfile()];
  if (!profile) return;
  for (const box of boxes) {
    const field = box.dataset.choice;
    const offer = offerOf(profile, field);
    const input = form[field];
    if (!(field in NUMBERS)) list(input, offer, input.value);
    else if (offer) Object.assign(input, { placeholder: shown(field, offer.default) });
    box.hidden = !offer && !input.value && !input.validity.badInput;
    complain(input, problem(field, input, offer, profile.title));
  }
  more.hidden = [...more.querySelectorAll("[data-choice]")].every((box) => box.hidden);
  sayUsual(profile.usual);
}

// What nobody chooses, Slurm does: which account pays, and under which QOS.
function sayUsual(usual) {
  const said = document.getElementById("usual");
  const account = form.account.value || usual.account;
  const qos = form.qos.value ? "" : usual.qos[account];
  said.hidden = !account;
  said.textContent = `Charged to the account ${account}${qos ? `, with its default QOS ${qos}` : ""}.`;
}

function list(select, offer, value) {
  const [usual, ...others] = offer?.values ?? [""];
  const wanted = value === usual ? "" : value;
  const options = [["", usual], ...others.map((name) => [name, name])];
  if (wanted && !others.includes(wanted)) options.push([wanted, wanted]);
  select.replaceChildren(...options.map(([name, text]) => new Option(text, name, false, name === wanted)));
}

function problem(field, input, offer, title) {
  if (input.validity.badInput) return "This is no number.";
  if (!input.value) return "";
  if (!offer) return `“${title}” leaves no choice of this. Clear it, or choose another profile.`;
  if (offer.values.length) return offer.values.includes(input.value) ? "" : `“${title}” does not offer this.`;
  const value = sent(field, input.value);
  if (!(field in SCALE) && !Number.isInteger(Number(input.value))) return "A whole number is needed.";
  if (value >= offer.least && value <= offer.most) return "";
  return `“${title}” gives ${shown(field, offer.least)} to ${shown(field, offer.most)} ${NUMBERS[field]}.`;
}

function complain(input, words) {
  input.setCustomValidity(words);
  input.classList.toggle("is-invalid", Boolean(words));
  document.getElementById(`${input.id}-problem`).textContent = words;
}

// A link says exactly what it wants; without one, what was chosen last is what is likely wanted again.
export function begin() {
  const asked = Object.fromEntries(Object.entries(data.wanted).filter(([, value]) => value));
  fill(Object.keys(asked).length ? asked : data.last ?? {});
}

export const presets = data.presets;
