import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../core/errors.ts';
import { isFolder } from '../files/workspace.ts';
import { type StarterFile, workspaceFiles } from './starter.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** An example that comes with the package. */
export interface Example {
  readonly name: string;
  /** One sentence: the first of its README. */
  readonly about: string;
}

/** By name. None where the package was stripped of them. */
export function listExamples(): readonly Example[] {
  if (!isFolder(EXAMPLES)) return [];
  return readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, about: firstSentence(join(EXAMPLES, name, 'README.md')) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A line each, their sentences below one another. */
export function formatExamples(examples: readonly Example[]): string {
  const width = Math.max(0, ...examples.map(({ name }) => name.length));
  return examples.map(({ name, about }) => `${name.padEnd(width)}  ${about}`.trimEnd()).join('\n');
}

/** The files of an example, and those that every workspace has. @throws UsageError that lists those there are */
export function exampleFiles(name: string): readonly StarterFile[] {
  const known = listExamples();
  if (!known.some((example) => example.name === name)) {
    throw new UsageError(`there is no example ${name}`, {
      code: 'example_not_found',
      why: known.length === 0 ? 'this installation has no examples' : `there are:\n${formatExamples(known)}`,
      next: 'batchctl init --example NAME, or batchctl init alone',
    });
  }
  const root = join(EXAMPLES, name);
  const produced = producedFolders(name);
  const own = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path).split(sep).join('/'), content: readFileSync(path) }))
    .filter(({ path }) => !produced.some((folder) => path.startsWith(folder)));
  return [...own, ...workspaceFiles().filter((file) => !own.some(({ path }) => path === file.path))];
}

/** An example of a checkout that was run where it stands has results in it; examples/.gitignore names them. */
function producedFolders(name: string): readonly string[] {
  const ignore = join(EXAMPLES, '.gitignore');
  const lines = existsSync(ignore) ? readFileSync(ignore, 'utf8').split('\n') : [];
  const listed = lines
    .filter((line) => line.startsWith(`${name}/`))
    .map((line) => line.slice(name.length + 1));
  return ['.batchctl/', 'batch_requests/', 'batch_results/', ...listed];
}

/** Of the first paragraph after the title; a full stop before a blank or the end closes it. */
function firstSentence(readme: string): string {
  if (!existsSync(readme)) return '';
  const paragraph = readFileSync(readme, 'utf8')
    .split(/\r?\n\s*\r?\n/)
    .find((text) => text.trim() !== '' && !text.startsWith('#'));
  const line = (paragraph ?? '').replace(/\s+/g, ' ').trim();
  return /^.*?[.!?](?=\s|$)/.exec(line)?.[0] ?? line;
}
