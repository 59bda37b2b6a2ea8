import { link } from './link.ts';
import { playShort } from './play.ts';

playShort(link);
