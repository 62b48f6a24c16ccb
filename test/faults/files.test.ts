import { describeRows } from './describe-rows.ts';
import { filesRows } from './rows/files.ts';

describeRows('write files and export', filesRows);
