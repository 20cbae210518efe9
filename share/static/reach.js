// What the code will see: one sentence for the profile and the tick, and why a tick needs no more words.

const field = document.getElementById("reach-field");
const box = document.getElementById("reach");

function show(names, name) {
  for (const element of document.querySelectorAll(`[data-${names}]`)) {
    element.hidden = element.dataset[names] !== name;
  }
}

// Whether her home is to be seen, as far as the profile allows it.
export function home() {
  return !field.hidden && box.checked;
}

// For the chosen profile.
export function adaptReach({ hidesHome, maySeeHome, mustSeeHome }) {
  field.hidden = !maySeeHome || (!hidesHome && !mustSeeHome);
  if (home()) show("sees", "home");
  else if (hidesHome) show("sees", "closed");
  else show("sees", mustSeeHome ? "refused" : "unhidden");
}

// Another repository: nobody has ticked anything for that one.
export function forgetReach() {
  box.checked = false;
  showTrust(null);
}

export function showTrust(trusted) {
  show("trust", trusted ?? "none");
}
