import { testBadData } from './bad-data.ts';

testBadData('JSON', [
  {
    claim: 'json: malformed text gives line and column',
    source: 'json: d.json',
    files: { 'd.json': '[\n {"name": "A"},\n {"name": "B",}\n]' },
    code: 'bad_json',
    says: ['d.json:3: not valid JSON: a comma before "}" (column 15)'],
  },
  {
    claim: 'json: single quotes are named',
    source: 'json: d.json',
    files: { 'd.json': "[{'name': 1}]" },
    code: 'bad_json',
    says: ['a name in double quotes is missing (column 3)'],
  },
  {
    claim: 'json: a text is no source',
    source: 'json: d.json',
    files: { 'd.json': '"a"' },
    code: 'bad_json',
    says: ['a JSON source is a list of objects'],
  },
  {
    claim: 'json: an empty list has no records',
    source: 'json: d.json',
    files: { 'd.json': '{"items": []}' },
    code: 'no_records',
    says: ['d.json: there is no record'],
  },
  {
    claim: 'json: items that are no objects are named by line',
    source: 'json: d.json',
    files: { 'd.json': '{"items": [\n{"name":"A"},\n5,\n[]\n]}' },
    problems: ['d.json:3: a record must be a JSON object', 'd.json:4: a record must be a JSON object'],
    good: 1,
  },
]);
