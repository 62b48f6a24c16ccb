import { InterruptedError } from './errors.ts';

/** The signal that an abort came of; what was aborted without one counts as Ctrl-C. */
export function signalOf({ reason }: Pick<AbortSignal, 'reason'>): InterruptedError['signal'] {
  return reason instanceof InterruptedError ? reason.signal : 'SIGINT';
}

/** What breaks because the user stopped it is not news of its own. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason || error instanceof InterruptedError) return true;
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'APIUserAbortError');
}
