import { InterruptedError } from '../core/errors.ts';
import { signalOf } from '../core/interruption.ts';

/** Where a question is put and answered. */
export interface Keyboard {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** What is said where a question finds no answer. */
export interface Unanswered {
  readonly message: string;
  readonly why: string;
  readonly next: string;
}

/** Ctrl-C on the keyboard, and a signal from elsewhere. Source: @inquirer/core 11, src/lib/errors.ts. */
const PROMPT_ENDS: ReadonlySet<string> = new Set(['ExitPromptError', 'AbortPromptError']);

/** Waits for the answer to a question. @throws InterruptedError on Ctrl-C, with what is said then. */
export async function waitForAnswer<T>(
  answer: Promise<T>,
  unanswered: Unanswered,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error) || !PROMPT_ENDS.has(error.name)) throw error;
    throw new InterruptedError(unanswered.message, {
      code: 'interrupted',
      signal: signalOf(signal),
      why: unanswered.why,
      next: unanswered.next,
      cause: error,
    });
  }
}

/** A question with yes and no, of which no is the one that Enter takes. */
export async function askYes(
  message: string,
  unanswered: Unanswered,
  { input, output }: Keyboard,
  signal: AbortSignal,
): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  return waitForAnswer(confirm({ message, default: false }, { input, output, signal }), unanswered, signal);
}
