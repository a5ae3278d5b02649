"use strict";
// Drives the page in Chromium. Reads a scenario's name and its settings from the command line,
// prints a line of JSON with what it saw; an assertion that fails ends it with exit code 1.
const fs = require("fs");
const path = require("path");
const assert = require("assert");
const modules = process.env.BARTIZAN_NODE;
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

const settings = JSON.parse(process.argv[3]);
const said = [], strangers = [];

async function open(options) {
  const browser = await chromium.launch({ executablePath: settings.chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext(Object.assign({ viewport: { width: 1200, height: 900 } }, options));
  const page = await context.newPage();
  watch(page);
  return { browser, context, page };
}

// Nothing on the console, and no request to anybody else.
function watch(page) {
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) { said.push(m.text()); } });
  page.on("pageerror", (e) => said.push(String(e)));
  page.on("request", (r) => {
    if (!r.url().startsWith(settings.origin + "/") && !r.url().startsWith("data:")) { strangers.push(r.url()); }
  });
}

async function shoot(page, name) {
  await page.screenshot({ path: path.join(settings.shots, name + ".png"), fullPage: true });
}

async function signIn(page) {
  await page.goto(settings.url);
  assert.strictEqual(page.url(), settings.origin + "/");
}

async function noFault(page, name, faults) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  for (const v of result.violations) {
    if (["serious", "critical"].includes(v.impact)) {
      faults.push(name + ": " + v.id + " " + v.nodes.slice(0, 2).map((n) => n.target.join(" ") + " " + (n.failureSummary || "").split("\n").pop()).join(" | "));
    }
  }
}

const scenarios = {
  // Open, look at every page in every shape, and ask axe-core about each.
  async pages() {
    const faults = [];
    const wide = [];
    const { browser, context, page } = await open({ bypassCSP: true });
    await signIn(page);
    const cookies = await context.cookies();
    assert.strictEqual(cookies.length, 1);
    assert.ok(cookies[0].httpOnly && cookies[0].sameSite === "Strict");
    for (const [shape, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { viewport: { width: 390, height: 844 } }]]) {
      const other = await browser.newContext(Object.assign({ viewport: { width: 1200, height: 900 }, bypassCSP: true }, options));
      await other.addCookies(cookies);
      const tab = await other.newPage();
      watch(tab);
      for (const [name, address] of Object.entries(settings.pages)) {
        const answer = await tab.goto(settings.origin + address);
        assert.strictEqual(answer.status(), 200, address);
        await tab.waitForSelector("#main");
        if (name === "account") { await tab.waitForSelector("#h-posture"); }
        await shoot(tab, shape + "-" + name);
        await noFault(tab, shape + " " + name, faults);
        const width = await tab.evaluate(() => document.documentElement.scrollWidth);
        if (width > (options.viewport ? options.viewport.width : 1200) + 1) { wide.push(shape + " " + name + " " + width); }
      }
      await other.close();
    }
    await page.goto(settings.origin + settings.pages.incident);
    await page.emulateMedia({ media: "print" });
    await page.pdf({ path: path.join(settings.shots, "incident.pdf") });
    assert.strictEqual(await page.locator(".acts").evaluateAll((all) => all.filter((e) => e.offsetParent).length), 0);
    await browser.close();
    assert.deepStrictEqual(faults, []);
    assert.deepStrictEqual(wide, []);
  },

  // The page is open while another process watches: it changes by itself.
  async live() {
    const { browser, page } = await open({});
    await signIn(page);
    await page.waitForFunction(() => document.getElementById("live").textContent === "Live.");
    const before = await page.textContent("h1");
    assert.ok(!before.includes("999988887777"), before);
    await page.evaluate(() => { window.scrollTo(0, 60); });
    process.stdout.write("ready\n");
    await page.waitForFunction(() => document.querySelector("h1").textContent.includes("999988887777"), null, { timeout: 120000 });
    process.stdout.write("seen " + Date.now() + "\n");
    await page.waitForFunction(() => document.getElementById("live").textContent.startsWith("Updated"));
    await shoot(page, "live");
    await browser.close();
  },

  // Acknowledge, assign, note, silence: by mouse, then what the page says of it.
  async act() {
    const { browser, page } = await open({});
    await signIn(page);
    await page.click("article.card h3 a");
    await page.waitForSelector("#h-followup");
    await page.click("button:has-text(\"Acknowledge\")");
    await page.waitForSelector("ul.notes li:has-text('acknowledged')");
    await page.fill("input[name=assignee]", "bob <b>&");
    await page.click("button:has-text('Assign')");
    await page.waitForSelector("ul.notes li:has-text('assigned to bob <b>&')");
    await page.fill("textarea[name=text]", "called the owner");
    await page.click("button:has-text('Add note')");
    await page.waitForSelector("ul.notes li:has-text('called the owner')");
    const silence = page.locator("form[action$='/silence']");
    await silence.locator("input[name=text]").fill("known test");
    await silence.locator("input[name=until]").fill("2099-01-01");
    await silence.locator("button").click();
    await page.waitForSelector("ul.notes li:has-text('silenced until 2099-01-01')");
    await shoot(page, "acted");
    await page.goto(settings.origin + "/");
    assert.ok((await page.textContent("article.card")).includes("acknowledged by owner · assigned to bob <b>&"));
    await browser.close();
  },

  // Search, open what was found, choose an older snapshot, compare two.
  async look() {
    const { browser, page } = await open({});
    await signIn(page);
    await page.fill(".find input", settings.key);
    await page.press(".find input", "Enter");
    await page.waitForSelector("h2:has-text('Findings')");
    assert.ok(await page.locator("h2:has-text('Facts')").count() === 1);
    assert.ok(await page.locator("h2:has-text('Events')").count() === 1);
    await page.click("a:has-text('record') >> nth=0");
    await page.waitForSelector("pre:has-text('eventName')");
    await page.goto(settings.origin + "/account");
    await page.waitForSelector("#h-posture");
    await page.selectOption("select[name=snapshot]", { index: 1 });
    await page.click("button:has-text('Show')");
    await page.waitForSelector("#h-posture");
    await page.click("button:has-text('Compare')");
    await page.waitForSelector("h2:has-text('Changes, worst first')");
    assert.ok((await page.textContent("#main")).includes("iam:userpolicy"));
    await page.goto(settings.origin + settings.pages.incident);
    await page.click("a:has-text('zoom in')");
    assert.ok(page.url().includes("from="));
    await page.click("li details summary >> nth=0");
    assert.ok(await page.locator("li details[open]").count() >= 1);
    await browser.close();
  },

  // Keyboard only: skip link, navigation, an act.
  async keyboard() {
    const { browser, page } = await open({});
    await signIn(page);
    await page.keyboard.press("Tab");
    assert.strictEqual(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.strictEqual(await page.evaluate(() => document.activeElement.id), "main");
    let steps = 0;
    while (steps < 60 && !(await page.evaluate(() => (document.activeElement.getAttribute("href") || "").startsWith("/incident/")))) {
      await page.keyboard.press("Tab");
      steps += 1;
    }
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.strictEqual(outline, "solid");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#h-followup");
    steps = 0;
    while (steps < 400 && !(await page.evaluate(() => document.activeElement.textContent === "Acknowledge"))) {
      await page.keyboard.press("Tab");
      steps += 1;
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("ul.notes li:has-text('acknowledged')");
    await browser.close();
  },

  // Without script everything is there but for the filters and the updates.
  async plain() {
    const { browser, page } = await open({ javaScriptEnabled: false });
    await signIn(page);
    assert.ok((await page.textContent("h1")).includes("INTRUDER"));
    assert.ok(await page.locator("#filters").isHidden());
    await page.click("article.card h3 a");
    await page.click("button:has-text(\"Acknowledge\")");
    assert.ok((await page.textContent("ul.notes")).includes("acknowledged"));
    await page.goto(settings.origin + "/account");
    await page.waitForTimeout(1500);
    await page.reload();
    await page.click("button:has-text('Compare')");
    assert.ok((await page.textContent("h1")).includes("Snapshot"));
    await shoot(page, "plain");
    await browser.close();
  },

  // An account of attacks: nothing of it runs.
  async hostile() {
    const { browser, page } = await open({});
    await signIn(page);
    for (const address of Object.values(settings.pages)) {
      const answer = await page.goto(settings.origin + address);
      const body = await answer.text();
      assert.strictEqual(answer.status(), 200, address);
      assert.ok(!/[\u001b\u202e\u2066]/.test(body), address);
      assert.ok(!(await page.title()).includes("pwned"), address);
      assert.strictEqual(await page.locator("#main script, #main img").count(), 0, address);
    }
    await shoot(page, "hostile");
    await browser.close();
  },

  // Signing in by a form or at a provider.
  async sign() {
    const { browser, page } = await open({ ignoreHTTPSErrors: true });
    await page.goto(settings.origin + "/");
    if (settings.password) {
      await page.fill("input[name=name]", settings.user);
      await page.fill("input[name=password]", settings.password);
      await page.click("button:has-text('Sign in')");
    } else {
      strangers.length = 0;
      page.on("request", () => { strangers.length = 0; });
      await page.click("a:has-text('Sign in')");
      await page.fill("input[name=login]", settings.user);
      await page.fill("input[name=password]", "any");
      await page.click("button[type=submit]");
      await page.waitForSelector("button[type=submit]");
      await page.click("button[type=submit]");
    }
    await page.waitForSelector("form.who");
    process.stdout.write("who " + JSON.stringify(await page.textContent("form.who span")) + "\n");
    said.length = 0;
    strangers.length = 0;
    await browser.close();
  },
};

scenarios[process.argv[2]]().then(() => {
  assert.deepStrictEqual(said, []);
  assert.deepStrictEqual(strangers, []);
  process.stdout.write("done\n");
}).catch((e) => {
  process.stderr.write(String(e && e.stack || e) + "\n");
  process.exit(1);
});
