import { badPath } from './bad-path.ts';
import { playShort } from './play.ts';

playShort(badPath);
