import { countFailed, type JobDocument } from './job-document.ts';
import type { JobFileProblem } from './job-file-problems.ts';
import { compileTemplate, TemplateError } from './template.ts';

/**
 * What a job does once it is final. `git` and `on_end` come from the job file, in this order, so that the command finds
 * the commit made; `notify` from the command line.
 */
export type AfterRunPart = 'git' | 'on_end' | 'notify';

/** One part is done, well or not: it is not begun again for the same `final_at`. */
export const PART_EVENT = 'after_run_part';
/** All that the job file asks for is done. */
export const AFTER_RUN_EVENT = 'after_run';

/** The detail of both. A job that becomes final again has another `final_at`, so everything is due again. */
export interface AfterRunDetail {
  readonly final_at: string;
  readonly part?: AfterRunPart;
  /** Tells one URL from another; the URL itself may hold a secret and is not kept. */
  readonly target?: string;
  readonly outcome?: string;
}

type Event = { readonly kind: string; readonly detailJson: string | null };

/** What was done since the job became final. */
export function readAfterRun(events: readonly Event[], finalAt: string): readonly AfterRunDetail[] {
  return events
    .filter(({ kind }) => kind === PART_EVENT || kind === AFTER_RUN_EVENT)
    .map(({ detailJson }) => JSON.parse(detailJson ?? '{}') as AfterRunDetail) // written by recordEvent in steps/after-run.ts
    .filter((detail) => detail.final_at === finalAt);
}

/** What `{{job}}` holds in `on_end` and in the message of a commit. */
export function jobVariable(document: JobDocument): Readonly<Record<string, unknown>> {
  return { ...document, id: document.job_id, failed: countFailed(document) };
}

/** What the command finds in its environment. */
export function jobFacts(document: JobDocument): Readonly<Record<string, string>> {
  return {
    BATCHCTL_JOB_ID: document.job_id,
    BATCHCTL_JOB_NAME: document.name,
    BATCHCTL_JOB_STATE: document.state,
    BATCHCTL_REQUESTS: String(document.requests),
    BATCHCTL_SUCCEEDED: String(document.succeeded),
    BATCHCTL_FAILED: String(countFailed(document)),
  };
}

/** Renders a text of the job file over `{{job}}` and what stands beside it. @throws TemplateError */
export function renderAfterRun(
  text: string,
  name: string,
  variables: Readonly<Record<string, unknown>>,
): string {
  const scope = { fields: {}, variables: Object.assign(Object.create(null), variables) };
  return compileTemplate(text, name, { optionalColumns: false }).render(scope);
}

/** The names that a message with `per: output` may ask for beside `{{job}}`. */
export interface OutputVariables {
  readonly output: string;
  readonly custom_id: string;
  readonly stage: string;
}

/** What would be wrong with these texts once the job is final, said before anything is sent. */
export function checkAfterRun(file: {
  readonly on_end?: readonly string[] | undefined;
  readonly git?: { readonly commit: string; readonly per?: string | undefined } | undefined;
}): readonly JobFileProblem[] {
  const job = jobVariable(SAMPLE);
  const sampleOutput: OutputVariables = { output: 'reports/a.md', custom_id: 'a', stage: 'main' };
  const problems: JobFileProblem[] = [];
  const check = (
    text: string,
    path: JobFileProblem['path'],
    variables: Readonly<Record<string, unknown>>,
  ) => {
    try {
      renderAfterRun(text, path.join('.'), variables);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      problems.push({ path, problem: error.message });
    }
  };
  for (const [index, text] of (file.on_end ?? []).entries()) check(text, ['on_end', index], { job });
  if (file.git !== undefined) {
    const variables = file.git.per === 'output' ? { job, ...sampleOutput } : { job };
    check(file.git.commit, ['git', 'commit'], variables);
  }
  return problems;
}

const SAMPLE: JobDocument = {
  job_id: 'sample-20260301-181200',
  name: 'sample',
  state: 'done',
  mode: 'batch',
  requests: 1,
  succeeded: 1,
  errored: 0,
  canceled: 0,
  expired: 0,
  missing: 0,
  held: 0,
  failures: {},
  usage: { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  cost_microusd: 1,
  batches: [],
  output_dir: 'batch_results/sample-20260301-181200',
};
