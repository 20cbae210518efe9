// Opens a dialog and waits for its answer: the value of the button that closed it, or nothing.

export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answered) => {
    dialog.addEventListener("close", function closed() {
      // The event of the time before may come late.
      if (dialog.open) return;
      dialog.removeEventListener("close", closed);
      answered(dialog.returnValue);
    });
  });
}
