import { escapeText } from '../core/escape.ts';
import { formatUsdOrUnknown } from '../core/money.ts';
import { formatShare, type PilotVerdict } from '../core/pilot.ts';
import { formatCount } from './output.ts';
import { estimateDocument, formatEstimate } from './print-estimate.ts';

/** Of the sample answer: as much as a question below it leaves in view. */
const SAMPLE_LINES = 10;
const SAMPLE_COLUMNS = 76;

/** What a pilot came to: its success, one of its answers, and what the rest is likely to cost now. */
export function formatVerdict(verdict: PilotVerdict): readonly string[] {
  const { requests, good, successRate, tokens, cost, sample, estimate } = verdict;
  return [
    `pilot     ${formatCount(good)} of ${formatCount(requests)} good (${formatShare(successRate)}${asked(verdict)})`,
    ...formatFailures(verdict),
    ...(tokens === null
      ? []
      : [
          `tokens    ${formatCount(tokens.meanInput)} in and ${formatCount(tokens.meanOutput)} out an answer, the longest ${formatCount(tokens.mostOutput)}`,
        ]),
    `cost      ${formatUsdOrUnknown(cost)}`,
    ...(sample === null ? [] : ['', `the answer to ${sample.customId}:`, ...formatSample(sample.text)]),
    '',
    `the rest, ${formatCount(estimate.total.requests)} requests:`,
    ...formatEstimate(estimate),
    ...(verdict.overBudget ? ['the rest is likely to pass the budget'] : []),
  ];
}

/** What --json prints of it, on stderr; docs/json.md describes it. */
export function pilotDocument(verdict: PilotVerdict): object {
  const { tokens, sample } = verdict;
  return {
    job_id: verdict.jobId,
    requests: verdict.requests,
    good: verdict.good,
    success_rate: verdict.successRate,
    min_success: verdict.minSuccess,
    failures: verdict.failures,
    mean_input_tokens: tokens?.meanInput ?? null,
    mean_output_tokens: tokens?.meanOutput ?? null,
    most_output_tokens: tokens?.mostOutput ?? null,
    cost_microusd: verdict.cost,
    sample: sample === null ? null : { custom_id: sample.customId, text: sample.text },
    over_budget: verdict.overBudget,
    rest: estimateDocument(verdict.estimate),
  };
}

function asked({ minSuccess }: PilotVerdict): string {
  return minSuccess === null ? '' : `, ${formatShare(minSuccess)} asked for`;
}

const FAILURE_WORDS: Readonly<Record<string, string>> = {
  truncated: 'cut off at max_tokens',
  invalid_output: 'not as their schema asks',
};

function formatFailures({ failures }: PilotVerdict): readonly string[] {
  const counts = Object.entries(failures).map(
    ([name, count]) =>
      `${formatCount(count)} ${name}${FAILURE_WORDS[name] === undefined ? '' : ` (${FAILURE_WORDS[name]})`}`,
  );
  return counts.length === 0 ? [] : [`no good   ${counts.join(', ')}`];
}

function formatSample(text: string): readonly string[] {
  const lines = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => breakLine(escapeText(line)))
    .map((line) => (line === '' ? '' : `  ${line}`));
  return lines.length > SAMPLE_LINES ? [...lines.slice(0, SAMPLE_LINES), '  …'] : lines;
}

/** Between words, or in the middle of one that fills a line. */
function breakLine(line: string): readonly string[] {
  const lines: string[] = [];
  let rest = [...line];
  while (rest.length > SAMPLE_COLUMNS) {
    const blank = rest.lastIndexOf(' ', SAMPLE_COLUMNS);
    const end = blank > 0 ? blank : SAMPLE_COLUMNS;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(blank > 0 ? end + 1 : end);
  }
  return [...lines, rest.join('')];
}
