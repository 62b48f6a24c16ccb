import { latin1, testBadData } from './bad-data.ts';

testBadData('JSONL', [
  {
    claim: 'jsonl: malformed lines are named by line and column',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"name":"A"}\n{"name":}\n\n{name:"B"}\n{"name":"C"}\n' },
    problems: [
      'd.jsonl:2: not valid JSON: a value is missing before "}" (column 9)',
      'd.jsonl:4: not valid JSON: a name in double quotes is missing (column 2)',
    ],
    good: 2,
  },
  {
    claim: 'jsonl: a line that ends early is refused',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"name":"A"}\n{"name":"B"' },
    problems: ['d.jsonl:2: not valid JSON: it ends early, with 1 of { or [ still open (column 12)'],
    good: 1,
  },
  {
    claim: 'jsonl: NaN is no JSON',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"name":NaN}\n' },
    problems: ['d.jsonl:1: not valid JSON: not a JSON value (NaN'],
  },
  {
    claim: 'jsonl: a line that is no object is refused',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '[1]\n"a"\n5\nnull\n' },
    problems: [1, 2, 3, 4].map((line) => `d.jsonl:${line}: a record must be a JSON object`),
  },
  {
    claim: 'jsonl: invalid UTF-8 gives line and byte, and the others go on',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': latin1('{"name":"A"}\n{"name":"\xe9"}\n{"name":"B"}\n') },
    problems: ['d.jsonl:2: not UTF-8 at byte 22 of the file'],
    good: 2,
  },
  {
    claim: 'jsonl: a surrogate in UTF-8 is not UTF-8',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': latin1('{"name":"\xed\xa0\x80"}\n') },
    problems: ['d.jsonl:1: not UTF-8 at byte 9'],
  },
  {
    claim: 'jsonl: nesting beyond 200 levels is refused',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n` },
    problems: ['d.jsonl:1: nested deeper than 200 levels'],
  },
  {
    claim: 'jsonl: a line over 32 MB is refused and the others go on',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': `{"name":"${'x'.repeat(34_000_000)}"}\n{"name":"B"}\n` },
    problems: ['d.jsonl:1: the line has 34,000,011 bytes, more than 33,554,432'],
    good: 1,
  },
  {
    claim: 'jsonl: only blank lines are no records',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '\n  \r\n\n' },
    code: 'no_records',
    says: ['d.jsonl: there is no record'],
  },
  {
    claim: 'jsonl: a missing column names the nearest one',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"nmae":"A"}\n{"name":"B"}\n' },
    problems: ['d.jsonl:1: prompt, line 1: there is no column "name"; did you mean "nmae"?'],
    good: 1,
  },
  {
    claim: 'jsonl: half a character is refused',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"name":"\\ud83d"}\n{"name":"\\ud83d\\ude00 \\\\ud83d"}\n' },
    problems: ['d.jsonl:1: a text holds half a character'],
    good: 1,
  },
  {
    claim: 'jsonl: an empty id is refused',
    source: 'jsonl: d.jsonl',
    files: { 'd.jsonl': '{"id":"","name":"A"}\n{"id":null,"name":"A"}\n{"id":{},"name":"A"}\n' },
    problems: [
      'd.jsonl:1: the column "id" is empty',
      'd.jsonl:2: the column "id" is empty',
      'd.jsonl:3: the column "id" is a list or an object',
    ],
  },
  {
    claim: 'jsonl: a prompt that is empty for a record is refused',
    source: 'jsonl: d.jsonl',
    job: 'model: m\nmax_tokens: 5\nprompt: " {{ name }}\\n"\n',
    files: { 'd.jsonl': '{"name":""}\n{"name":null}\n{"name":"A"}\n' },
    problems: [
      'd.jsonl:1: prompt: the prompt is empty for this record',
      'd.jsonl:2: prompt: the prompt is empty',
    ],
    good: 1,
  },
  {
    claim: 'jsonl: a request over 32 MB is refused',
    source: 'jsonl: d.jsonl',
    job: 'model: m\nmax_tokens: 5\nprompt: "{{ name }}{{ name }}"\n',
    files: { 'd.jsonl': `{"name":"${'x'.repeat(17_000_000)}"}\n` },
    problems: ['d.jsonl:1: the request has 34,000,0'],
  },
]);
