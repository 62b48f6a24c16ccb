import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readHelps } from '../scripts/write-cli-docs.ts';
import { checkJobFile } from '../src/core/job-file-check.ts';
import { FAILURE_CLASSES } from '../src/core/result.ts';
import { readYaml } from '../src/files/yaml-document.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMING_FROM = 'docs/coming-from/';

const pages = ['README.md', ...find('docs/**/*.md'), ...find('examples/*/README.md')];
const guides = pages.filter((page) => !page.startsWith('examples/') && page !== 'docs/cli.md');
const helps = new Map((await readHelps()).map(({ name, help }) => [name.replace(/^batchctl ?/, ''), help]));

describe.each(pages)('%s', (page) => {
  test('has only links that lead somewhere', () => {
    const broken = linksOf(read(page)).filter((link) => !leadsSomewhere(link, page));
    expect(broken).toEqual([]);
  });
});

describe.each(guides)('%s', (page) => {
  test('names no command and no flag of a command that there is not', () => {
    const unknown = [...commandsIn(page)].flatMap(({ text, command, flags }) => {
      const help = helps.get(command);
      if (help === undefined) return [text];
      return flags.filter((flag) => !hasFlag(help, flag)).map((flag) => `${flag} in: ${text}`);
    });
    expect(unknown).toEqual([]);
  });

  test('names no flag by itself that no command has', () => {
    const all = [...helps.values()];
    const named = codeSpans(ours(page)).flatMap((code) => flagsOf(code.startsWith('--') ? code : ''));
    expect(named.filter((flag) => !all.some((help) => hasFlag(help, flag)))).toEqual([]);
  });
});

/** docs/job-file.md has a test of its own. */
const withJobs = guides.filter((page) => page !== 'docs/job-file.md' && yamlBlocks(page).length > 0);
const LEAST = { model: 'm', max_tokens: 5, source: { csv: 'd.csv' } };

test.each(withJobs)('every YAML block of %s is a job file, or a part of one', (page) => {
  for (const text of yamlBlocks(page)) {
    const { problems, value } = readYaml(text);
    expect({ text, problems }).toEqual({ text, problems: [] });
    const checked = checkJobFile(complete(Object(value)), { path: 'x.job.yaml', dir: '' });
    expect({ text, problems: checked.ok ? [] : checked.problems }).toEqual({ text, problems: [] });
  }
});

test('every page of docs/ is linked from the README, or from the page that its folder has for that', () => {
  const linkedFrom = (page: string): readonly string[] =>
    linksOf(read(page)).map((link) => posix.join(posix.dirname(page), link.split('#')[0] ?? ''));
  const linked = new Set([...linkedFrom('README.md'), ...linkedFrom(`${COMING_FROM}README.md`)]);
  expect(find('docs/**/*.md').filter((page) => !linked.has(page))).toEqual([]);
});

test('the README has fewer than 200 lines', () => {
  expect(read('README.md').split('\n').length).toBeLessThan(200);
});

test.each([
  ['report-generator', 'A', 20],
  ['interview-simulator', 'B', 18],
  ['builder-runner-monitor', 'C', 18],
  ['lm-deluge', 'D', 13],
  ['knowledge-graph-extractor', 'E', 14],
] as const)('%s.md answers every point of that system', (name, letter, points) => {
  const page = read(`${COMING_FROM}${name}.md`);
  const wanted = Array.from({ length: points }, (_, index) => `${letter}${index + 1}`);
  expect(
    wanted.filter((point) => !new RegExp(`^\\| ${point} \\| .+ \\| .{5,} \\|$`, 'm').test(page)),
  ).toEqual([]);
});

test.each(['docs/retry.md', 'docs/troubleshooting.md', 'docs/results.md'])(
  '%s has every class of failure',
  (page) => {
    expect(FAILURE_CLASSES.filter((name) => !read(page).includes(`\`${name}\``))).toEqual([]);
  },
);

test('docs/changed.md and docs/json.md have every word of plan --changed', () => {
  const source = read('src/cli/print-changes.ts');
  const words = [...source.matchAll(/^ {2}(\w+): '([a-z ]+)',$/gm)];
  expect(words.length).toBeGreaterThan(7);
  const [changed, json] = [read('docs/changed.md'), read('docs/json.md')];
  const absent = words.filter(
    ([, key, word]) => !(changed.includes(`\n| ${word} |`) && json.includes(`\`${key}\``)),
  );
  expect(absent.map(([, key]) => key)).toEqual([]);
});

test('docs/troubleshooting.md has every exit code', () => {
  const codes = [...read('docs/exit-codes.md').matchAll(/^\| (\d+) \|/gm)].map((found) => found[1]);
  const table = read('docs/troubleshooting.md').split('## Exit codes')[1] ?? '';
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !new RegExp(`^\\| (?:\\d+, )?${code}[ ,]`, 'm').test(table))).toEqual([]);
});

function find(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Targets within the project. */
function linksOf(markdown: string): readonly string[] {
  const text = markdown
    .replace(/^( *)```.*?^\1```$/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((found) => found[1] ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(link: string, page: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : posix.join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return false;
  if (anchor === undefined) return true;
  return statSync(join(ROOT, target)).isFile() && anchorsOf(read(target)).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm);
  const slugs = [...headings].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(slugs);
}

/** A page without what it says of other programs: the middle columns of the tables that map them. */
function ours(page: string): string {
  const text = read(page);
  return page.startsWith(COMING_FROM) ? text.replace(/^\| [A-E\d]* ?\| .*? \| (?=.*\|$)/gm, '| ') : text;
}

function codeSpans(markdown: string): readonly string[] {
  return [...markdown.replace(/^( *)```.*?^\1```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(
    (found) => found[1] ?? '',
  );
}

interface Named {
  readonly text: string;
  readonly command: string;
  readonly flags: readonly string[];
}

/** `batchctl …` in code, up to the end of the command. */
function* commandsIn(page: string): Generator<Named> {
  const markdown = ours(page);
  const blocks = [...markdown.matchAll(/^( *)```\w*\n(.*?)^\1```$/gms)].map((found) => found[2] ?? '');
  for (const code of [...blocks.flatMap((block) => block.split('\n')), ...codeSpans(markdown)]) {
    for (const [, text = ''] of code.matchAll(/(?:^|[\s(])batchctl ([^`|&;#"]+)/g)) {
      // What follows is another way, or talk.
      const [own = ''] = text.split(/, (?:or|then) /);
      const words = own.split(/[\s,]+/);
      const command = words.find((word) => /^[a-z]+$/.test(word));
      if (command !== undefined && !text.startsWith('{')) yield { text, command, flags: flagsOf(own) };
    }
  }
}

function flagsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|\s)(--?[a-z][a-z-]*)/g)].map((found) => found[1] ?? '');
}

/** Where the help lists its options; its examples name flags too. */
function hasFlag(help: string, flag: string): boolean {
  return new RegExp(`^ {2}(?:-\\w, )?${flag}(?:[ ,]|$)`, 'm').test(help);
}

function yamlBlocks(page: string): readonly string[] {
  return [...read(page).matchAll(/^```yaml\n(.*?)^```$/gms)].map((found) => found[1] ?? '');
}

/** A part of a job file, with what it does not say. */
function complete(part: object): object {
  if ('source' in part && ('requests' in Object(part.source) || 'model' in part)) return part;
  const asks = ['prompt', 'messages', 'stages'].some((key) => key in part);
  return { ...LEAST, ...(asks ? {} : { prompt: 'p' }), ...part };
}
