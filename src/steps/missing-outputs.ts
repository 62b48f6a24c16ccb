import { UsageError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import { writesNoFiles } from '../core/output-place.ts';
import type { OutputTexts, SourceReady, SourceRecord } from '../core/record.ts';
import type { TemplateScope } from '../core/template.ts';
import { readFiles, type TextSources } from './render-files.ts';
import { customIdOf, NO_VARIABLES, readyId } from './render-item.ts';
import { renderOutputPath } from './render-stage.ts';

/**
 * Whether all output files of a record are there, those of each stage of the job. Throws UsageError `missing_needs_output`
 * when a stage does not say where it writes; the check throws RecordProblem, TemplateError.
 */
export function createDoneCheck(
  job: JobFile,
  { plan, texts }: Pick<TextSources, 'plan' | 'texts'>,
  outputs: Pick<OutputTexts, 'exists'>,
): (item: SourceRecord | SourceReady, position: number) => Promise<boolean> {
  const namesOf = (stages: JobFile['stages']): string => stages.map(({ name }) => name).join(', ');
  const none = job.stages.filter(writesNoFiles);
  if (none.length > 0)
    throw cannotTell(job, {
      why: `${namesOf(none)}: its "output" is false, so there are no files to miss`,
      next: 'submit --changed sends what has no answer yet',
    });
  const silent = job.stages.filter(({ output }) => output?.path == null);
  if (silent.length > 0)
    throw cannotTell(job, {
      why: `${namesOf(silent)}: there is no "output", so each job writes to a folder of its own`,
      next: 'add "output" with the path of the files, such as output: "reports/{{ custom_id }}.md"',
    });
  // Files are read only where a path may depend on them: records that are done shall cost little.
  const written = [job.id ?? '', ...job.stages.map(({ output }) => output?.path ?? '')];
  const needsFiles = plan.files.some(([name]) => written.some((template) => template.includes(name)));

  return async (item, position) => {
    const fields = item.kind === 'record' ? item.fields : NO_VARIABLES;
    const variables =
      item.kind === 'record' && needsFiles ? await readFiles(item, plan, texts) : NO_VARIABLES;
    const scope: TemplateScope = { fields, variables };
    const { customId } = item.kind === 'record' ? customIdOf(item, scope, plan, position) : readyId(item);
    return plan.stages.every((stage) => {
      const path = renderOutputPath(customId, scope, stage, job);
      return path !== null && outputs.exists(path);
    });
  };
}

function cannotTell({ path }: JobFile, reason: { readonly why: string; readonly next: string }): UsageError {
  return new UsageError(`--missing cannot tell what is missing in ${path}`, {
    code: 'missing_needs_output',
    ...reason,
  });
}
