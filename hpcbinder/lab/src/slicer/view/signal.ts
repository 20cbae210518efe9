/** Something that can happen, and who wants to hear of it. */
export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Returns what ends the listening. */
  connect(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this.listeners]) {
      listener(value);
    }
  }

  clear(): void {
    this.listeners.clear();
  }
}
