import { allocations } from './allocations.ts';
import { playShort } from './play.ts';

playShort(allocations);
