// The live page. It shows what the server says and assumes nothing: every status comes from a fragment
// with a position (seq, tag), and a page that has not been verified says so.
//
// This module makes the objects of the others and connects them. The server joins all modules to one
// script (``assets.py``), so no cached module of an older version meets a newer one.

import { Clocks } from "./clocks.js";
import { Forms } from "./forms.js";
import { Frames } from "./frames.js";
import { Graph } from "./graph.js";
import { LogLines } from "./loglines.js";
import { LogOptions } from "./logoptions.js";
import { LogSearch } from "./logsearch.js";
import { Logs } from "./logs.js";
import { Panes } from "./panes.js";
import { Permalinks } from "./permalinks.js";
import { Place } from "./place.js";
import { Position } from "./position.js";
import { Pulse } from "./pulse.js";
import { Refetch } from "./refetch.js";
import { Socket } from "./socket.js";
import { Stacks } from "./stacks.js";
import { Status } from "./status.js";
import { Title } from "./title.js";
import { Waterfall } from "./waterfall.js";
import { Idiomorph } from "./vendor/idiomorph-0.8.0.esm.js";

const page = document.querySelector("[data-socket]"); // the body, or in the admin an element of it
const position = new Position(page.dataset);
const socket = new Socket(page, position);
const clocks = new Clocks(Number(page.dataset.now));
const title = new Title(page);
const status = new Status(clocks, title);
const lines = new LogLines();
const logs = new Logs(page, socket, lines);
const links = new Permalinks(logs, lines);
const pulse = new Pulse({ clocks, status, logs });
const waterfall = new Waterfall(clocks);
const place = new Place(page, Idiomorph, { clocks, title, status, logs, waterfall });
const refetch = new Refetch(page, position, { socket, clocks, status, logs, place });

clocks.show(document);
logs.openAll();
place.settle();
status.offline();
clocks.start();
title.start();
logs.start();
new LogOptions(logs).start();
links.start();
new LogSearch(links).start();
new Forms(status).start();
new Stacks().start();
new Graph().start();
waterfall.start();
new Panes().start();
socket.start(new Frames(page, position, { socket, status, pulse, place, logs, refetch }));
