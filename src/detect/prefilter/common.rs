//! The four-letter sequences that stand most often in source code and prose, which make poor windows. A flat catalogue.

/// Sequences of which each makes up more than one in fourteen thousand of all, in lower case and ascending, one behind the other.
/// Measured on sources in ten languages.
#[expect(clippy::needless_raw_string_hashes, reason = "rows with quotation marks look like all others")]
const COMMON: &[&[u8]] = &[
    br#"       "   (   .   /   _   a   b   c   d   e   f   h   i   l   m   n   o   p   r   s   t   u   v   w  ""  //  as"#,
    br#"  co  de  fn  fo  if  in  le  ma  ok  pa  pr  pu  re  se  st  ta  th  tr  ty  un """ "re "sy "wi //  /// : u ::c"#,
    br#" ::w = " = ( = _ = b = c = d = f = i = m = n = p = r = s = t = u ==  __k __u _bi a s act add all an  and any api"#,
    br#" are arg as  ass at  be  bit boo buf bui but by  byt c_i c_l cal can cap cas cha che clo cod com con cop cor cra"#,
    br#" cre cur dat deb def des dir dis doc els enc end err exa exc exp ext fal fea fie fil fla fmt fn  fol for fro fun"#,
    br#" gen get git has hav hea htt ide if  imp in  inc ind inp ins int is  it  ite js_ key lat len let lic lin loc map"#,
    br#" mat max may met mi_ mod mus mut nam new non not nul num obj of  off ok( on  one onl ope opt or  ord oth out par"#,
    br#" pat per pos pre pri pro pub rea ref reg rep req res ret run see sel ser set sho sig sin siz som spa sta std str"#,
    br#" sub sup sys tar tes tha the thi thr tim to  tok tra tru typ uin uni uns use usi val vec ver we  whe whi wil win"#,
    br#" wit wor wri you" "s" fn", "": ""sys"win(cra(deb(fea(htt(sel(tar(thi,   , "m, an, bu, cl, co, in, js, pa, re, se"#,
    br#", si, so, st, th, to, va----. th.as_.clo.com.dll.get.is_.len.org.to_.unw/   / as/ de/ le/ re/ th//  // a// c// d"#,
    br#"// i// l// p// r// s// t// u// w/// //////gi/doc/git/web: ::: __: bo: c_: cr: ht: se: us://d://g::c_::co::ct::de"#,
    br#"::er::fo::fr::in::li::ne::op::re::su::wi:c_u:cor:cty:err:eve:fro:lin:new:opt:sup:win= ""= "r= "s= "w= se= tr===="#,
    br#"__ke_add_att_bin_bit_byt_cha_cla_com_con_dat_err_fil_fla_fou_fro_get_inf_int_ite_ker_key_len_lin_lon_mut_nam_os "#,
    br#"_par_pat_pro_rea_res_set_siz_sta_str_sys_t =_tar_tim_ty__typ_valableacceacheacinackeacroactiaddiaddraderafe age "#,
    br#"age_ags:alidaligalizall allealloallyalsealueame ame:amplanceand andlangeany api appearamarchare arenargeargsaria"#,
    br#"arraarseartias uase asm_ass asseat tata atchate ate:ate_atedatesaticatinatioatoratteattraturatusaultauthb cob fn"#,
    br#"b stb tyb(crb.cobackbasebe abindbitsbjecble ble_blocboolbounbuffbug,builbut butebytec = c_inc_locachcallcan case"#,
    br#"castcatecaticcescensceptcertcesscfg(chancharcheccheschuncingckedcketclascloncludcodecodicom/commcompcondconfconn"#,
    br#"conscontcopycorecouncratcreacripcrypctedctioctivctorctypcumecurrd = d byd ind ofd thd tod: udatadatedatidebudeco"#,
    br#"ded def defadefidentder deridescdgendictdiffdingdiredispdistdll"doc docsdocudowsdulee : e = e __e a e ace ane ca"#,
    br#"e coe cre fee foe ine ise ofe pae pre ree see ste the toe", e(dee: ce: ue::ce::fe::pe_ste_t ead ead_eadeearceate"#,
    br#"eatuebugecodeconect ect.ecteectiectoed =ed aed bed fed ied ted, ed: efaueferefinegexeld elemelf elf,elf.elf:else"#,
    br#"em" emenempten: en_tenamenceencoend endeendienerengtenseenssent ent"ent,ent:ent_entaentientrentsenumeoutepr(epre"#,
    br#"equeequier =er ter, er: er::eraleratere ereneriaerinerivernaerneerr(erroers ersiert_ertierveervies =es aes tes: "#,
    br#"es::escreserespoess essaessiest est_estresulet met set tet: et_oeterethoetimets:etteetureveleveneverexamexceexpe"#,
    br#"expoexprextef thfailfalsfaulfeatferefferffsefg(ffielfilefiltfindfinefinifirsfla_flagfmt:fn cfn ffn sfollfor form"#,
    br#"founfreefromfsetfullfuncfutug = g crg thg(feg, cgen(gen_geneget get_getsgettgit_githgnedgrougs: guidh = h thhand"#,
    br#"hanghashhat havehe che fhe lhe ohe phe rhe she theadheckhen her herehichhis his.his:hod,horthreahtmlhttphub.hunk"#,
    br#"i reialiiantibuticalicaticenich icodid: idenieldientif (if sif tificifieiflaightignaigneildeile ilesill ilteime:"#,
    br#"imitimplimpoin sin tinalinclindeindgindiindoine inedinfoing ing(ing,ing:ing_ingsinitinliinneinpuinstint int,inte"#,
    br#"intoinvaio::ion ion"ion,ion.ion:ion_ionaionsirecirediresirstis ais iis nis ois tis: isteistritemiterith ith_ithu"#,
    br#"itioits ivative ive(ize ize,ize:ize_izedjectkenskernkey kindl = l lel" "lagslasslatelatilderle, lectled lemelen "#,
    br#"len(lenglet letelettlevelf, lf._lf.slf::licelignlimilinelinklistlitelizell" llocllowlly loadlocalocklonelonglope"#,
    br#"lowilse lterludelue luesm" fm_bimacrmainmallmandmap_markmaskmatcmatimattmberme =me: mentmessmetamethmmanmod mode"#,
    br#"modumovempl mplempormptymt::multmustmut n = n inn ren sen thn_tynablnal namence ncluncodnctind tndatndefnderndex"#,
    br#"ndgendinndlendowne, nectned neednel_neranew new(new_nextnfigng =ng ang cng tng::ngthniconingnlinnly nnecnnernode"#,
    br#"nonenormnot nputnsafnsslnst nstanstrnt =nt",nt, nt: ntaintatntennterntexntinntrontrynts nullnumbnvalnwrao beo th"#,
    br#"objeobn(oc =ocalocatocesock_ockeocumod, ode ode_odinodulof toffsoid ointokenolloome(ommaompaon ton: on::onalone "#,
    br#"one(one,onfiong onlyonneons onseonstontaonteontropenoperoptiopy,or aor tor::ordeore ore:org/oritormaort orteos ="#,
    br#"ositotheouldoundountourcout outpoverowinows_pacepackpageparapareparspartpasspathpdatpe _pecipectpendpensper:pert"#,
    br#"pes:pi rpingplempoinpollponsportposipporpr(cprefpresprinprocpropprotprovps:/ptiopub pub(pushput py, quesqueuquir"#,
    br#"r = r for thr::fr::sraceraciractramerangransrap(rateratiratorch rderre =re::readreamreatrectred referefiregeregi"#,
    br#"remorencrentreporeprrequres reserespressresureturgetrialrianriburighringrintriptriterityrivermatrnalrnelrns roce"#,
    br#"rom rom_roperor ror(ror:rouprrayrrenrrorrse_rserrsiort_ertedrtiaructrustrvicrypts = s a s ans aps ars fos ins is"#,
    br#"s nos ofs res ths tos: us://s::cs::ls_sys_tasafesagescrise cse ise sse tsearsecosed selfsendsentserisertservset "#,
    br#"set_settshorsignsingsionsitisizeslicsm_bsmalsocksomesourspacspanspecsponssagsserssiossl_st ast bst cst dst est f"#,
    br#"st ist mst nst pst sst tst ustabstacstanstarstatstd:std_stemstorstr,strestristrusultsupesuppsyncsys:sys_systt = "#,
    br#"t bet cat cot fot int ist mat mut oft pat ret set sit sot stt syt tht tot: ut_art_eqt_ost_ret_sttabltacktailtain"#,
    br#"targtarttasktatetatitatutch tchetd::te fte::ted ted:tem"tendtentter ter(ter.ter_teratermternterstes testtextth a"#,
    br#"thatthe thentherthisthodthouthrethubtialtic tifitimetin tingtiontivativeto ato bto ttobntoketor toretorytps:tput"#,
    br#"tr, tractraitrantreatreetribtrintroltructruetry_ts::tterttpstureturntypeub cub fub sub tub(cub.cuct ue, uestueue"#,
    br#"uffeug, uilduintuireuld ulonult ultiumbeumenunctundaundeunicunsaunstunwruperuppouraturceure uresurn urnsurreuse "#,
    br#"useduserusizust ut cut sutpuuturvalivaluvarivateve(dveloventversvertvicevidevoidwaitwarnwasmwhenwherwhicwillwind"#,
    br#"wingwithwordworkwrapwritws_sws_tx = xampxcepxpecxtenxtery = y, cype ypesys::ysteytesze_tzerozstd"#,
];

/// Bits of the hash that most windows are told apart from them by.
const MAP_BITS: u32 = 16;

/// A bit for each hash that one of them has.
static MAP: [u64; 1 << (MAP_BITS - 6)] = {
    let mut map = [0; 1 << (MAP_BITS - 6)];
    let mut row = 0;
    while row < COMMON.len() {
        let bytes = COMMON[row];
        let mut start = 0;
        while start + 3 < bytes.len() {
            let hash = hash([bytes[start], bytes[start + 1], bytes[start + 2], bytes[start + 3]]);
            map[hash >> 6] |= 1 << (hash & 63);
            start += 4;
        }
        row += 1;
    }
    map
};

const fn hash(window: [u8; 4]) -> usize {
    (u32::from_le_bytes(window).wrapping_mul(0x9e37_79b1) >> (32 - MAP_BITS)) as usize
}

/// Whether a window, in lower case, is one of them.
pub(super) fn is_common(window: [u8; 4]) -> bool {
    let hash = hash(window);
    if MAP[hash >> 6] >> (hash & 63) & 1 == 0 {
        return false;
    }
    // The rows begin in ascending order, too.
    let row = COMMON.partition_point(|row| row.first_chunk().is_some_and(|first: &[u8; 4]| *first <= window));
    let row = row.checked_sub(1).and_then(|row| COMMON.get(row)).copied().unwrap_or_default();
    row.as_chunks().0.binary_search(&window).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_sequences() {
        let all: Vec<[u8; 4]> = COMMON.iter().flat_map(|row| row.as_chunks().0).copied().collect();
        assert!(all.is_sorted());
        assert!(all.iter().all(|window| is_common(*window)));
        for (window, expected) in
            [(b"with", true), (b"the ", true), (b"ghp_", false), (b"~~~~", false), (b"    ", true)]
        {
            assert_eq!(is_common(*window), expected, "{window:?}");
        }
    }
}
