import { good, head, source, testBadJobFiles } from './bad-job-file.ts';

testBadJobFiles('prompts or params that no request can have', [
  {
    claim: 'a temperature is refused under the new version',
    job: `${good}params: {temperature: 1}\n`,
    code: 'bad_params',
    says: [
      '"temperature" is refused under api_version 2026-10-21; remove it, or set "api_version: 2023-06-01"',
    ],
  },
  {
    claim: 'stream is refused',
    job: `${good}params: {stream: true}\n`,
    code: 'bad_params',
    says: ['"stream" cannot be in a request of a batch', 'remove it'],
  },
  {
    claim: 'fast mode is refused',
    job: `${good}params: {speed: fast}\n`,
    code: 'bad_params',
    says: ['"speed"', 'fast mode'],
  },
  {
    claim: 'a template that is not closed is refused with its line',
    job: `${head}${source}prompt: |\n  a\n  {{ name\n`,
    code: 'template_syntax',
    says: ['prompt, line 2: "{{" at column 1 is not closed'],
  },
  {
    claim: 'an unknown filter names the nearest one',
    job: `${head}${source}prompt: "{{ name | upcse }}"\n`,
    code: 'template_syntax',
    says: ['there is no filter "upcse"; did you mean "upcase"?'],
  },
  {
    claim: 'an unknown tag names the nearest one',
    job: `${head}${source}prompt: "{% iff name %}a{% endif %}"\n`,
    code: 'template_syntax',
    says: ['there is no tag "iff"; did you mean "if"?'],
  },
  {
    claim: 'a template reads no files',
    job: `${head}${source}prompt: "{% include \\"/etc/passwd\\" %}"\n`,
    code: 'template_syntax',
    says: ['the tag "include" is not available'],
  },
  {
    claim: 'a column with a blank needs record[…]',
    job: `${head}${source}prompt: "{{ IMDB Rating }}"\n`,
    code: 'template_syntax',
    says: ['{{ record["IMDB Rating"] }}'],
  },
  {
    claim: 'a missing prompt file is named',
    job: `${head}${source}prompt: {file: prompts/a.md}\n`,
    code: 'prompt_file',
    says: ['prompts/a.md', 'ENOENT'],
  },
  {
    claim: 'a prompt file outside the workspace is refused',
    job: `${head}${source}prompt: {file: ../../etc/hostname}\n`,
    code: 'prompt_file',
    says: ['it is outside the workspace'],
  },
  {
    claim: 'a blank prompt is refused',
    job: `${head}${source}prompt: "  "\n`,
    code: 'prompt_empty',
    says: ['the prompt is empty'],
  },
]);
