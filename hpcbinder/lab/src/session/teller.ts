// How the owner is told something: as a notification, or as a dialog in a JupyterLab without them.

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';

export interface Action {
  label: string;
  callback: () => void;
}

interface Shown {
  message: string;
  id: string | undefined;
}

// What images of a repository have may be older than what this is compiled against.
const notifications: typeof Notification | undefined = Notification;

/** Keeps one message for each subject. News of it takes the place of what was said before, unless
 * that was closed; `withdraw` first to be heard again. */
export class Teller {
  private readonly shown = new Map<string, Shown>();

  /** The first action is what one most likely wants. */
  tell(subject: string, message: string, actions: readonly Action[]): void {
    const last = this.shown.get(subject);
    if (last === undefined) {
      this.shown.set(subject, { message, id: this.emit(message, actions) });
    } else if (last.message !== message) {
      last.message = message;
      if (last.id !== undefined) {
        notifications?.update({ id: last.id, message });
      }
    }
  }

  withdraw(subject: string): void {
    const last = this.shown.get(subject);
    this.shown.delete(subject);
    if (last?.id) {
      notifications?.dismiss(last.id);
    }
  }

  private emit(message: string, actions: readonly Action[]): string | undefined {
    if (!notifications) {
      void askWith(message, actions);
      return undefined;
    }
    const [first, ...others] = actions;
    const shown = first ? [{ ...first, displayType: 'accent' as const }, ...others] : [];
    return notifications.emit(message, 'warning', { autoClose: false, actions: shown });
  }
}

async function askWith(message: string, actions: readonly Action[]): Promise<void> {
  const buttons = actions.map(({ label }) => Dialog.okButton({ label }));
  const body = { title: message, buttons: [Dialog.cancelButton({ label: 'Close' }), ...buttons] };
  const { button } = await showDialog(body);
  actions.find(({ label }) => label === button.label)?.callback();
}
