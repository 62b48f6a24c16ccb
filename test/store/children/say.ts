import { once } from 'node:events';
import { writeSync } from 'node:fs';

/** At once and past every buffer, so that what was said before a kill is read after it. */
export function say(text: string): void {
  writeSync(1, `${text}\n`);
}

export async function waitForGo(): Promise<void> {
  say('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}
