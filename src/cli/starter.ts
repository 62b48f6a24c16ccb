import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../core/errors.ts';

/** A file to begin with; its path has forward slashes. */
export interface StarterFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes what is not there yet. A file that is there is the user's, whatever it holds. */
export function writeMissing(
  folder: string,
  files: readonly StarterFile[],
): { readonly written: readonly string[]; readonly kept: readonly string[] } {
  const written: string[] = [];
  const kept: string[] = [];
  for (const file of files) {
    const path = join(folder, file.path);
    makeFolder(dirname(path));
    try {
      writeFileSync(path, file.content, { flag: 'wx' });
      written.push(file.path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      kept.push(file.path);
    }
  }
  return { written, kept };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`no folder can be made at ${folder}`, {
      code: 'not_a_folder',
      why: error instanceof Error ? error.message : String(error),
      next: 'name a folder that is empty or not there yet',
      cause: error,
    });
  }
}

export function starterFiles(): readonly StarterFile[] {
  return [
    { path: 'reviews.job.yaml', content: JOB_FILE },
    { path: 'prompts/editor.md', content: SYSTEM_PROMPT },
    { path: 'prompts/summarize.md', content: PROMPT },
    { path: 'data/reviews.csv', content: DATA },
    ...workspaceFiles(),
  ];
}

/** What every workspace has. */
export function workspaceFiles(): readonly StarterFile[] {
  return [
    { path: '.gitignore', content: GIT_IGNORE },
    { path: 'batch_requests/README.md', content: REQUESTS_NOTE },
    { path: 'batch_results/README.md', content: RESULTS_NOTE },
  ];
}

const JOB_FILE = `# A job: one request for each row of data/reviews.csv. Try it without a key or a cost:
#   batchctl plan
#   batchctl submit --use-batch --emulator
name: reviews
model: claude-haiku-5-5
max_tokens: 300
source:
  csv: data/reviews.csv
id: "{{ id }}"
system: { file: prompts/editor.md }
prompt: { file: prompts/summarize.md }
output: "summaries/{{ id }}.md"
`;

const SYSTEM_PROMPT = `You are an editor at a shop for outdoor gear. You write short, plain sentences and invent nothing.
`;

const PROMPT = `Summarize this review of "{{ product }}" ({{ stars }} of 5 stars) in one sentence, then name the one thing
that the maker should change, or write "nothing".

{{ review }}
`;

const DATA = `id,product,stars,review
r-001,Ridgeline 45 backpack,5,"Carried 14 kg for six days. The hip belt sits well, and the lid pocket is big enough for a map."
r-002,Ridgeline 45 backpack,2,"The zip of the side pocket broke on day two. Shame, because the back panel is the coolest I had."
r-003,Tarn two-person tent,4,"Up in five minutes, dry in heavy rain. The inner door catches on the zip flap."
r-004,Tarn two-person tent,3,"Good tent, but two tall people will not fit. Call it one and a half."
r-005,Ember gas stove,5,"Boils half a litre in under three minutes, even in wind."
r-006,Ember gas stove,1,"Arrived without the adapter that the box promises. Support answered after two weeks."
r-007,Fell rain jacket,4,"Keeps me dry for hours; the hood does not turn with the head."
r-008,Fell rain jacket,5,"Third year, still water-tight. Washed it with soap once a season."
`;

const GIT_IGNORE = `# The key
.env
# State, requests and results of jobs
.batchctl/
batch_requests/*
!batch_requests/README.md
batch_results/*
!batch_results/README.md
`;

const REQUESTS_NOTE = `# batch_requests

One folder a job: \`records.jsonl\` holds the records as they were read, \`main-0001.jsonl\` and so on the requests as they
were sent. Written by \`batchctl build\` and \`batchctl submit\`; a job needs them until it is final.
`;

const RESULTS_NOTE = `# batch_results

One folder a job: \`results.jsonl\` has one line for every request, \`failed.jsonl\` those that did not succeed,
\`summary.json\` the totals, \`*.raw.jsonl\` what the API answered. Written by \`batchctl submit\`, \`retrieve\` and \`resume\`.
`;
