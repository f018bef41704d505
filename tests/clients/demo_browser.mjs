// Two people open the demo's page in Chromium, chat, reload, and see a server die.
// Usage: demo_browser.mjs URL
// Ends with {"server": before, "moved_to": after, "closes": [what the pages saw]}.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { fail, say } from './lines.mjs';

const OPTIONS = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
const ROOM = 'browser-test';

// A person: a profile of their own, so cookies of their own.
async function arrive(url, nickname) {
  const profile = await mkdtemp(join(tmpdir(), 'switchyard-browser-'));
  const context = await chromium.launchPersistentContext(profile, OPTIONS);
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url);
  await page.getByTestId('room-input').fill(ROOM);
  await page.getByTestId('nickname-input').fill(nickname);
  await page.getByTestId('join-button').click();
  await connected(page);
  const leave = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { page, nickname, leave };
}

const connected = (page) => page.locator('[data-testid=status][data-state=open]').waitFor();
const pageServer = (page) => page.getByTestId('page-server').textContent();
const socketServer = (page) => page.getByTestId('socket-server').textContent();

async function tell(from, to, text) {
  await from.page.getByTestId('message-input').fill(text);
  await from.page.getByTestId('send-button').click();
  const message = to.page.locator(`[data-testid=message][data-nickname="${from.nickname}"]`);
  await message.filter({ hasText: text }).waitFor();
}

// The issued cookie keeps the page, and the room keeps the socket, on their servers.
async function reloads({ page }) {
  const before = [await pageServer(page), await socketServer(page)];
  for (let n = 0; n < 5; n += 1) {
    await page.reload();
    await connected(page);
    assert.deepEqual([await pageServer(page), await socketServer(page)], before);
  }
}

async function kill(server, people) {
  await people[0].page.getByTestId(`kill-${server}`).click();
  for (const { page } of people) {
    await page.locator(`[data-testid=server-${server}][data-state=dead]`).waitFor();
    await page.locator('[data-testid=event][data-kind=close]').first().waitFor();
    await connected(page);
  }
}

async function main(url) {
  const people = [await arrive(url, 'Ada'), await arrive(url, 'Grace')];
  const [ada, grace] = people;
  const server = await socketServer(ada.page);
  assert.equal(await socketServer(grace.page), server, 'one room, one server');
  await tell(ada, grace, 'hello from Ada');
  await tell(grace, ada, 'hello from Grace');
  await reloads(ada);
  await kill(server, people);
  const moved = await socketServer(ada.page);
  assert.notEqual(moved, server);
  assert.equal(await socketServer(grace.page), moved, 'the room moved as one');
  await tell(grace, ada, 'still here');
  const closes = await grace.page.locator('[data-testid=event][data-kind=close] span').allTextContents();
  for (const person of people) await person.leave();
  say({ server, moved_to: moved, closes });
}

main(process.argv[2]).then(() => process.exit(0), fail);
