import { arrows } from './arrows.ts';
import { data } from './data.ts';
import { names } from './names.ts';
import type { Rule } from './rule.ts';

export const rules: readonly Rule[] = [...arrows, ...names, ...data];
