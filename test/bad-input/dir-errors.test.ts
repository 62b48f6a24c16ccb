import { latin1, testBadData } from './bad-data.ts';

testBadData('folders', [
  {
    claim: 'dir: a glob without files is refused',
    source: 'dir: "sections/*.txt"',
    files: {},
    code: 'no_records',
    says: ['sections/*.txt: no file matches the glob'],
  },
  {
    claim: 'dir: a glob out of the workspace is refused',
    source: 'dir: "../*.txt"',
    files: {},
    code: 'source_outside',
    says: ['the glob leads out of the workspace'],
  },
  {
    claim: 'dir: a missing sidecar names the file',
    source: 'dir: {glob: "s/*.txt", meta: "{{stem}}.meta.json"}',
    files: { 's/a.txt': 'A', 's/b.txt': 'B', 's/a.meta.json': '{"title":"T"}' },
    problems: ['s/b.txt: s/b.meta.json: there is no such file (ENOENT)'],
    good: 1,
  },
  {
    claim: 'dir: a sidecar that is not JSON is named with its line',
    source: 'dir: {glob: "s/*.txt", meta: "{{stem}}.json"}',
    files: { 's/a.txt': 'A', 's/a.json': '{\n"title":\n}' },
    problems: ['s/a.txt: s/a.json:3: not valid JSON'],
  },
  {
    claim: 'dir: a sidecar key that hides a column is refused',
    source: 'dir: {glob: "s/*.txt", meta: "{{stem}}.json"}',
    files: { 's/a.txt': 'A', 's/a.json': '{"text":"x"}' },
    problems: ['s/a.txt: s/a.json: the key "text" would hide the column'],
  },
  {
    claim: 'dir: a text that is not UTF-8 is named',
    source: 'dir: "s/*.txt"',
    files: { 's/a.txt': 'A', 's/b.txt': latin1('ok\n\xe9') },
    problems: ['s/b.txt: not UTF-8 at line 2, byte 3'],
    good: 1,
  },
]);
