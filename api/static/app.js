// What every page gets on top of what works without it.
import "./times.js";
import "./folds.js";
import "./forms.js";
import "./prompts.js";
import "./live.js";
import "./nav.js";
