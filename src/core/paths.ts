import { createHash } from 'node:crypto';

// A name may have 255 bytes on ext4, APFS and NTFS. 25 stay free: distinctPath and temporary names add a suffix.
const MAX_COMPONENT_BYTES = 230;

// macOS refuses paths of more than 1,024 bytes (PATH_MAX, sys/syslimits.h); Linux takes 4,096.
const MAX_PATH_BYTES = 900;

// Refused in names by Windows; `\` is a separator there, and must not become one.
// Source: learn.microsoft.com/windows/win32/fileio/naming-a-file
const WINDOWS_REFUSED = /[<>:"|?*\\]/g;
const WINDOWS_RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i;

// Folders at the top of the workspace that are batchctl's own, and the file that may hold the key.
const OWN_PLACES = new Set(['.batchctl', 'batch_requests', '.env']);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

// Characters that HFS+ ignores in names, so that they could hide a `.git` (CVE-2014-9390).
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Why a rendered output path cannot be used, or null. A path may make folders, also with a `/` that came from the
 * data, but it never leaves the workspace: `..` is refused wherever it came from, even where it would stay inside.
 */
export function outputPathProblem(rendered: string): string | null {
  const path = rendered.trim();
  if (path === '') return 'the output path is empty';
  if (CONTROL.test(path)) return 'the output path holds a control character';
  if (!path.isWellFormed()) return 'the output path holds half a character (a lone surrogate)';
  if (/^[/\\]|^[A-Za-z]:[/\\]/.test(path))
    return 'the output path is absolute; write it relative to the job file';
  if (path.endsWith('/')) return 'the output path names a folder; end it in a file name';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return `the output path has more than ${MAX_PATH_BYTES} bytes`;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.some((part) => part.trim() === '..'))
    return 'the output path has a ".." in it, which could leave the workspace';
  if (parts.length === 0 || path.endsWith('/.'))
    return 'the output path names a folder; end it in a file name';
  for (const part of parts) {
    const plain = part
      .replace(IGNORED_BY_HFS, '')
      .replace(/[. ]+$/, '')
      .toLowerCase();
    if (plain === '.git' || plain === 'git~1') return 'the output path goes into .git';
  }
  return null;
}

/**
 * Whether a path relative to the workspace, as `safeOutputPath` gave it, is one of batchctl's own places:
 * the sentence, or null.
 */
export function ownPlaceProblem(path: string): string | null {
  const top = foldPath(path.split('/')[0] ?? '').replace(IGNORED_BY_HFS, '');
  return OWN_PLACES.has(top) ? `the output path goes into ${top}, which is batchctl's own` : null;
}

/**
 * The path under which an answer is written on every system alike: what Windows refuses in a name becomes `_`,
 * names that are too long are cut and end in a hash. Paths that are fine everywhere stay as they are. Only for
 * paths that `outputPathProblem` lets through.
 */
export function safeOutputPath(rendered: string): string {
  return rendered
    .trim()
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .map(safeComponent)
    .join('/');
}

function safeComponent(part: string): string {
  const plain = part
    .replace(WINDOWS_REFUSED, '_')
    .replace(/[. ]+$/, (tail) => '_'.repeat(tail.length))
    .replace(WINDOWS_RESERVED, '$1_');
  return Buffer.byteLength(plain) <= MAX_COMPONENT_BYTES ? plain : shorten(plain);
}

function shorten(name: string): string {
  const [stem, extension] = splitExtension(name);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  const kept = Buffer.byteLength(extension) <= 32 ? extension : '';
  const room = MAX_COMPONENT_BYTES - hash.length - 1 - Buffer.byteLength(kept);
  let short = '';
  let bytes = 0;
  for (const character of stem) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    short += character;
  }
  return `${short}-${hash}${kept}`;
}

/**
 * The key under which case-insensitive and Unicode-folding file systems (APFS, NTFS) see two paths as one. Folds
 * rather too much than too little: that costs a suffix, the other way costs an answer.
 */
export function foldPath(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/** The same path with `-<seq>` before its extension, for the second of two that would be one file. */
export function distinctPath(path: string, seq: number): string {
  const cut = path.lastIndexOf('/') + 1;
  const [stem, extension] = splitExtension(path.slice(cut));
  return `${path.slice(0, cut)}${stem}-${seq}${extension}`;
}

function splitExtension(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
}

/** Joins a path to the folder it is relative to, both with `/` and relative to the workspace; '' is the workspace. */
export function joinPath(dir: string, path: string): string {
  return dir === '' ? path : `${dir}/${path}`;
}
