/**
 * The head of the side bar: how fresh, which profile, who I am; search, and counts as filters.
 */
import type { JSX } from 'react';
import { useServices } from '../../components/context';
import { PhaseGlyph } from '../../components/glyph';
import { CommandIDs } from '../../commands';
import { connectionWords } from '../../format';
import { useNow, useSignal } from '../../hooks';
import { countGroups, GROUPS, type SidebarModel } from './model';

/** The person, before their identities: `ada → u-ada`. */
function actsAs(user: string, runAs: string): string {
  const account = runAs.split('@')[0] ?? '';
  return account && account !== user ? `${user} → ${account}` : user;
}

function Connection(): JSX.Element {
  const { board, commands, trans } = useServices();
  useSignal(board.changed);
  const { connection, principal, profile } = board.runs;
  const now = useNow(connection.state !== 'live');
  // When something is wrong, that is what the line has room for.
  const isCalm = connection.state === 'live' || connection.state === 'paused';
  const heard = connection.heardAt ? new Date(connection.heardAt).toISOString() : '';
  return (
    <div className="jp-argovx-connection">
      <span
        className={`jp-argovx-live jp-argovx-live-${connection.state}`}
        data-argovx-connection={connection.state}
        title={heard && trans.__('Last heard %1', heard)}
        role="status"
      >
        <span className="jp-argovx-dot" aria-hidden="true" />
        {connectionWords(connection, now)}
      </span>
      {profile && isCalm && (
        <span className="jp-argovx-profile" title={trans.__('Profile; change it with %argovx use NAME')}>
          {profile}
        </span>
      )}
      {principal && isCalm && (
        <button
          type="button"
          className="jp-argovx-linklike jp-argovx-who"
          title={trans.__('Who am I')}
          onClick={() => void commands.execute(CommandIDs.whoAmI)}
        >
          {actsAs(principal.user, principal.run_as)}
        </button>
      )}
    </div>
  );
}

export function Head({ model }: { readonly model: SidebarModel }): JSX.Element {
  const { board, trans } = useServices();
  useSignal(board.changed);
  useSignal(model.changed);
  const counts = countGroups(board.list);
  return (
    <div className="jp-argovx-head">
      <Connection />
      <div className="jp-argovx-find">
        <input
          type="search"
          className="jp-argovx-search"
          placeholder={trans.__('Search')}
          aria-label={trans.__('Search runs and steps')}
          value={model.query}
          onChange={event => (model.query = event.target.value)}
        />
        <div className="jp-argovx-counts" role="group" aria-label={trans.__('Filter by state')}>
          {GROUPS.map(group => (
            <button
              key={group.id}
              type="button"
              className="jp-argovx-count"
              aria-pressed={model.group === group.id}
              title={`${counts[group.id]} ${group.label}`}
              data-argovx-count={group.id}
              onClick={() => model.toggleGroup(group.id)}
            >
              <PhaseGlyph phase={group.phase} progress={group.id === 'active' ? [1, 3] : null} />
              {counts[group.id]}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}
