import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findProgram } from '../peers/process.ts';
import { temporaryFolder } from './sets.ts';

interface User {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary, as a pod's fsGroup is. */
  readonly groups: readonly number[];
}

const fsGroup = 2000;
const writerPath = join(import.meta.dirname, 'writer.ts');

/** Runs a program as a user with exactly these groups and no capability. */
function runAs(user: User, command: readonly string[]) {
  const groups = user.groups.length === 0 ? ['--clear-groups'] : ['--groups', user.groups.join(',')];
  const identity = ['--reuid', `${user.uid}`, '--regid', `${user.gid}`, ...groups];
  const bounds = ['--inh-caps', '-all', '--bounding-set', '-all'];
  return spawnSync(findProgram('setpriv') ?? 'setpriv', [...identity, ...bounds, ...command], {
    encoding: 'utf8',
  });
}

function write(user: User, args: readonly string[]): Record<string, unknown> {
  const { stdout, stderr } = runAs(user, [process.execPath, writerPath, ...args]);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

/** What `cat` gives a user, or undefined where the kernel forbids it. */
function read(user: User, path: string): string | undefined {
  const { status, stdout } = runAs(user, ['cat', path]);
  return status === 0 ? stdout : undefined;
}

function cannotSwitch(): string | false {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0)
    return 'only root on Linux may act as other users';
  if (findProgram('setpriv') === undefined) return 'setpriv not on PATH';
  const probe = runAs({ uid: 1001, gid: 1001, groups: [] }, [process.execPath, '-e', '0', writerPath]);
  return probe.status === 0 ? false : 'other users may not run this checkout';
}

/** The volume as the kubelet gives it: with fsGroup, owned by root, setgid and writable by all. */
function volume(t: { after(fn: () => void): void }, grouped: boolean): string {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  const output = join(folder, 'volume');
  mkdirSync(output);
  if (grouped) chownSync(output, 0, fsGroup);
  chmodSync(output, grouped ? 0o2777 : 0o777);
  return output;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const stranger: User = { uid: 3001, gid: 3001, groups: [] };

describe('who can read', { skip: cannotSwitch() }, () => {
  const writers: Record<string, User> = {
    root: { uid: 0, gid: 0, groups: [fsGroup] },
    'uid 1001': { uid: 1001, gid: 1001, groups: [fsGroup] },
    'a random uid of group 0': { uid: 1_000_650_000, gid: 0, groups: [fsGroup] },
    'a uid outside the group': { uid: 1001, gid: 1001, groups: [] },
  };

  for (const [name, writer] of Object.entries(writers)) {
    it(`under fsGroup, written by ${name}: the group, through three rotations, and nobody else`, (t) => {
      const output = volume(t, true);
      const member: User = { uid: 3000, gid: 3000, groups: [fsGroup] };
      for (const value of ['one', 'two', 'three']) {
        const written = write(writer, [output, value]);
        assert.equal(written['changed'], true, JSON.stringify(written));
        const target = join(output, 'db');
        const live = join(target, readlinkSync(join(target, '..data')));
        assert.deepEqual([target, live, join(live, 'password')].map(modeOf), ['2750', '2750', '440']);
        assert.deepEqual(
          [target, live, join(live, 'password')].map((path) => statSync(path).gid),
          [fsGroup, fsGroup, fsGroup],
        );
        assert.equal(read(member, join(target, 'password')), value);
        assert.equal(read({ ...member, uid: 1_000_660_000, gid: 0 }, join(target, 'password')), value);
        assert.equal(read(stranger, join(target, 'password')), undefined);
        assert.equal(read(member, `${live}.json`), undefined);
      }
    });

    it(`without a group, written by ${name}: whoever has the volume mounted`, (t) => {
      const output = volume(t, false);
      for (const value of ['one', 'two', 'three']) {
        assert.equal(write(writer, [output, value])['changed'], true);
        const target = join(output, 'db');
        const live = join(target, readlinkSync(join(target, '..data')));
        assert.deepEqual([target, live, join(live, 'password')].map(modeOf), ['755', '755', '444']);
        assert.equal(read(stranger, join(target, 'password')), value);
        assert.equal(read({ uid: 0, gid: 0, groups: [] }, join(target, 'password')), value);
      }
    });
  }

  it('with a mode of its own: the owner alone, as ssh wants its key', (t) => {
    const writer: User = { uid: 1001, gid: 1001, groups: [fsGroup] };
    for (const grouped of [true, false]) {
      const output = volume(t, grouped);
      for (const value of ['one', 'two', 'three']) {
        assert.equal(write(writer, [output, value, '400'])['changed'], true);
        const path = join(output, 'db', 'password');
        assert.equal(modeOf(path), '400');
        assert.equal(read(writer, path), value);
        assert.equal(read(stranger, path), undefined);
        assert.equal(read({ ...stranger, groups: [fsGroup] }, path), undefined);
      }
      assert.equal(write(writer, [output, 'three', '440'])['changed'], false);
      assert.equal(modeOf(join(output, 'db', 'password')), '440');
    }
  });

  it('under a strict umask: the same modes', (t) => {
    const writer: User = { uid: 1001, gid: 1001, groups: [fsGroup] };
    const output = volume(t, true);
    assert.equal(write(writer, [output, 'one', '', '077'])['changed'], true);
    const target = join(output, 'db');
    const live = join(target, readlinkSync(join(target, '..data')));
    assert.deepEqual([target, live, join(live, 'password')].map(modeOf), ['2750', '2750', '440']);
  });

  it('is said when the group cannot be kept, and nothing is delivered unreadable', (t) => {
    const output = volume(t, true);
    const refusal = write({ uid: 1001, gid: 1001, groups: [] }, [output, 'one', '', '077']);
    assert.deepEqual(refusal, {
      code: 'PublishFailed',
      message: `${output}/db cannot be given the group 2000 of its volume`,
      remedy: "Run the agent in that group: the pod's fsGroup, or supplementalGroups.",
    });
  });

  it('an output of another owner is PublishFailed, with what helps', (t) => {
    const output = volume(t, false);
    chmodSync(output, 0o755);
    const refusal = write({ uid: 1001, gid: 1001, groups: [] }, [output, 'one']);
    assert.equal(refusal['code'], 'PublishFailed');
    assert.equal(refusal['message'], `${output}/db may not be written by this user`);
    assert.match(String(refusal['remedy']), /fsGroup/);
  });

  it('what one user delivered stays when the agent comes back as another, which is said', (t) => {
    const output = volume(t, true);
    assert.equal(write({ uid: 1001, gid: 1001, groups: [fsGroup] }, [output, 'one'])['changed'], true);
    const refusal = write({ uid: 1002, gid: 1002, groups: [fsGroup] }, [output, 'two']);
    assert.equal(refusal['message'], `${output}/db may not be written by this user`);
    assert.equal(read({ ...stranger, groups: [fsGroup] }, join(output, 'db', 'password')), 'one');
  });
});
