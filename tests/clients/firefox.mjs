// Debian's Firefox without a window, led by WebDriver BiDi, which it speaks itself: JSON over a WebSocket.
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

// Whatever Firefox wants from elsewhere goes to a proxy that is not there; what is on this machine needs none.
const PREFERENCES = {
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.failover_direct': false,
  'network.proxy.allow_bypass': false,
};

// How Firefox names SHA-256 in the list of certificates that somebody has accepted.
const SHA256 = 'OID.2.16.840.1.101.3.4.2.1';

export class Firefox {
  // One that accepts the certificate in the file `trusted` from the server of `url`.
  static async start(url, trusted) {
    const firefox = new Firefox();
    firefox.profile = await mkdtemp(join(tmpdir(), 'switchyard-firefox-'));
    await firefox.#prepare(new URL(url), new X509Certificate(await readFile(trusted)));
    await firefox.#connect(await firefox.#launch());
    await firefox.call('session.new', { capabilities: {} });
    const { contexts } = await firefox.call('browsingContext.getTree', {});
    firefox.context = contexts[0].context;
    return firefox;
  }

  #waiting = new Map();
  #calls = 0;

  async #prepare({ hostname, port }, { fingerprint256 }) {
    const preferences = Object.entries(PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    await writeFile(join(this.profile, 'user.js'), preferences.join(''));
    const accepted = `${hostname}:${port}:\t${SHA256}\t${fingerprint256}\t\n`;
    await writeFile(join(this.profile, 'cert_override.txt'), accepted);
  }

  // Where it is to be talked to. It ends with this process, however that ends.
  async #launch() {
    const program = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
    const its = ['--headless', '--no-remote', '--profile', this.profile, '--remote-debugging-port', '0'];
    const outputs = { stdio: ['ignore', 'ignore', 'pipe'] };
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...its], outputs);
    for await (const line of createInterface(this.child.stderr)) {
      const said = /WebDriver BiDi listening on (ws:\S+)/.exec(line);
      if (said) {
        this.child.stderr.resume();
        return said[1];
      }
    }
    throw new Error('Firefox ended before it listened');
  }

  async #connect(address) {
    this.socket = new WebSocket(`${address}/session`, { perMessageDeflate: false });
    await once(this.socket, 'open');
    this.socket.on('message', (data) => this.#take(JSON.parse(data)));
  }

  #take({ id, method, params, result, error, message }) {
    if (method) return this.socket.emit(method, params);
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    return error ? reject(new Error(`${error}: ${message}`)) : resolve(result);
  }

  // One command of the protocol; its result.
  call(method, params) {
    this.#calls += 1;
    const id = this.#calls;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.socket.send(JSON.stringify({ id, method, params }));
    return answer;
  }

  // Has `listener` hear of these events.
  async on(event, listener) {
    this.socket.on(event, listener);
    await this.call('session.subscribe', { events: [event] });
  }

  async go(url) {
    await this.call('browsingContext.navigate', { context: this.context, url, wait: 'complete' });
  }

  // What an async function that refers to nothing around it has to say in the page, as JSON has it.
  async evaluate(its, argument) {
    const expression = `(${its})(${JSON.stringify(argument)}).then(JSON.stringify)`;
    const target = { context: this.context };
    const seen = await this.call('script.evaluate', { expression, target, awaitPromise: true });
    if (seen.type === 'exception') throw new Error(seen.exceptionDetails.text);
    return JSON.parse(seen.result.value);
  }

  async close() {
    const ended = once(this.child, 'exit');
    await this.call('browser.close', {});
    await ended;
    await rm(this.profile, { recursive: true, force: true });
  }
}
