import type { JobFileProblem } from './job-file-problems.ts';
import type { StageInput } from './stage-schema.ts';

/** What is wrong with the turns of a stage, whatever the records say. */
export function* checkMessages(
  { messages, attach }: Pick<StageInput, 'messages' | 'attach'>,
  at: readonly (string | number)[],
): Generator<JobFileProblem> {
  for (const [turn, { content }] of (messages ?? []).entries()) {
    if (!Array.isArray(content)) continue;
    for (const [index, block] of content.entries()) {
      const path = [...at, 'messages', turn, 'content', index];
      if (typeof block['type'] !== 'string') yield { path, problem: 'a content block needs a "type"' };
      else if (block['type'] === 'text' && typeof block['text'] !== 'string')
        yield { path, problem: 'a text block needs a "text"' };
    }
  }
  const last = messages?.at(-1);
  if (messages === undefined || last === undefined) return;
  const path = [...at, 'messages', messages.length - 1];
  if (last.role !== 'user') yield { path, problem: 'the last turn must be of the user, who is answered' };
  const isTextless = Array.isArray(last.content) && last.content.every((block) => block['type'] !== 'text');
  if (attach !== undefined && isTextless)
    yield { path, problem: 'the last turn has no text, which the files of "attach" stand before' };
}
