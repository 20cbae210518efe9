// What is seen of a tab that nobody looks at: its icon, its title, and a notification for who asked.

const REMEMBERED = "binder-notify";
const disc = (colour, drawing) =>
  `<circle cx="16" cy="16" r="15" fill="${colour}"/><path d="${drawing}" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/>`;

// Shapes differ and not colours alone.
const ICONS = {
  Preparing: '<circle cx="16" cy="16" r="12" fill="none" stroke="#adb5bd" stroke-width="6"/><path d="M16 4a12 12 0 0 1 12 12" fill="none" stroke="#f37626" stroke-width="6"/>',
  Waiting: disc("#b36b00", "M12 10v12M20 10v12"),
  Ready: disc("#198754", "M9 17l5 5 9-11"),
  Failed: disc("#c82333", "M11 11l10 10M21 11l-10 10"),
};
const title = document.title;

// Say how far it is: one of the names above.
export function signal(state) {
  document.title = `${state} – ${title}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${ICONS[state]}</svg>`;
  const icon = document.querySelector("link[rel=icon]");
  icon.type = "image/svg+xml";
  icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

// A button that asks for notifications. What was chosen is remembered in this browser.
export function offerNotifications(button) {
  button.hidden = !("Notification" in window && window.isSecureContext);
  if (button.hidden) return;
  const show = () => {
    const denied = Notification.permission === "denied";
    button.disabled = denied;
    button.setAttribute("aria-pressed", String(wanted()));
    button.classList.toggle("active", wanted());
    button.textContent = denied ? "Notifications are blocked in this browser" : "Notify me when ready";
  };
  button.addEventListener("click", async () => {
    const on = !wanted() && (await Notification.requestPermission()) === "granted";
    localStorage.setItem(REMEMBERED, on ? "yes" : "no");
    show();
  });
  show();
}

function wanted() {
  return Notification.permission === "granted" && localStorage.getItem(REMEMBERED) === "yes";
}

// Tell whoever asked for it and looks elsewhere.
export function notify(text) {
  if (!document.hidden || !("Notification" in window) || !wanted()) return;
  try {
    const told = new Notification(text, { body: title, tag: location.pathname });
    told.addEventListener("click", () => {
      window.focus();
      told.close();
    });
  } catch {
    // Browsers of phones have the word and not the deed.
  }
}

// Do something at once, or as soon as somebody looks.
export function whenSeen(act) {
  if (!document.hidden) {
    act();
    return;
  }
  document.addEventListener("visibilitychange", () => whenSeen(act), { once: true });
}
