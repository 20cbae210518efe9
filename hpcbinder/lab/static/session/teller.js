// How the owner is told something: as a notification, or as a dialog in a JupyterLab without them.

/** Keeps one message for each subject. News of it takes the place of what was said before, unless
 * that was closed; `withdraw` first to be heard again. */
export class Teller {
  constructor({ Notification, showDialog, Dialog }) {
    this.notification = Notification;
    this.dialog = (message, actions) => askWith(showDialog, Dialog, message, actions);
    this.shown = new Map();
  }

  /** `actions` are `{label, callback}`; the first is what one most likely wants. */
  tell(subject, message, actions) {
    const last = this.shown.get(subject);
    if (last === undefined) {
      this.shown.set(subject, { message, id: this.emit(message, actions) });
    } else if (last.message !== message) {
      last.message = message;
      this.notification?.update({ id: last.id, message });
    }
  }

  withdraw(subject) {
    const last = this.shown.get(subject);
    this.shown.delete(subject);
    if (last?.id) {
      this.notification.dismiss(last.id);
    }
  }

  emit(message, actions) {
    if (!this.notification) {
      this.dialog(message, actions);
      return undefined;
    }
    const [first, ...others] = actions;
    const shown = first ? [{ ...first, displayType: 'accent' }, ...others] : [];
    return this.notification.emit(message, 'warning', { autoClose: false, actions: shown });
  }
}

async function askWith(showDialog, Dialog, message, actions) {
  const buttons = actions.map(({ label }) => Dialog.okButton({ label }));
  const body = { title: message, buttons: [Dialog.cancelButton({ label: 'Close' }), ...buttons] };
  const { button } = await showDialog(body);
  actions.find(({ label }) => label === button.label)?.callback();
}
