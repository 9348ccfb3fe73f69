/**
 * The layout off the page's thread, for graphs that are too large to lay out between two frames.
 */
import { layout, type ILayoutInput } from './layout';

interface IRequest {
  readonly id: number;
  readonly input: ILayoutInput;
}

self.onmessage = (event: MessageEvent<IRequest>) => {
  const { id, input } = event.data;
  self.postMessage({ id, layout: layout(input) });
};
