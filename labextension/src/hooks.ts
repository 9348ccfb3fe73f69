/**
 * React's view of the models: they stay outside of React and tell it when to look again.
 */
import type { ISignal } from '@lumino/signaling';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';

/** A number that grows with every emission of a signal: reading models after it is always fresh. */
export function useSignal<S, A>(signal: ISignal<S, A>): number {
  const count = useRef(0);
  const subscribe = useCallback(
    (notify: () => void) => {
      const slot = (): void => {
        count.current++;
        notify();
      };
      signal.connect(slot);
      return () => void signal.disconnect(slot);
    },
    [signal]
  );
  return useSyncExternalStore(subscribe, () => count.current);
}

/** The present time in milliseconds; told every second while `ticking`. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!ticking) {
      return;
    }
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
