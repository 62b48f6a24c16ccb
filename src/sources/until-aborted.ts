/**
 * The items until the signal aborts, which ends a wait for the next one at once. One promise a step, not one for all:
 * a race against a promise that stays open holds every step it was raced with.
 */
export async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const iterator = items[Symbol.asyncIterator]();
  let interrupt = (): void => undefined;
  const onAbort = (): void => interrupt();
  signal.addEventListener('abort', onAbort, { once: true });
  let isDone = false;
  try {
    for (;;) {
      const step = await new Promise<IteratorResult<T>>((resolve, reject) => {
        interrupt = () => reject(signal.reason);
        if (signal.aborted) interrupt();
        else iterator.next().then(resolve, reject);
      });
      if (step.done === true) {
        isDone = true;
        return;
      }
      yield step.value;
    }
  } catch (error) {
    // A generator that waits cannot be ended before its wait does, so nobody waits for that.
    if (signal.aborted) iterator.return?.().catch(() => undefined);
    isDone = true;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!isDone) await iterator.return?.();
  }
}
